/** What a handshake request says before there is a socket. Pure; the endpoint answers refusals by HTTP status. */

const tokenPrefix = "base64url.bearer.phx.";

export interface HandshakeToken {
  readonly token: string | undefined;
  /** `phoenix` when the client offered it: must be echoed then, else browsers refuse the socket. Nothing else is ever echoed. */
  readonly subprotocol: string | undefined;
}

/**
 * Query `token` (phoenix.js `params`), or phoenix.js 1.8 `authToken`:
 * `Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.<base64url of the token>`, which wins. Not verified here.
 */
export function readToken(request: Request): HandshakeToken {
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  const bearer = offered.find((name) => name.startsWith(tokenPrefix));
  const query = new URL(request.url).searchParams.get("token");
  return {
    token: bearer === undefined ? (query ?? undefined) : decodeBearer(bearer),
    subprotocol: offered.includes("phoenix") ? "phoenix" : undefined,
  };
}

function decodeBearer(bearer: string): string {
  return Buffer.from(bearer.slice(tokenPrefix.length), "base64url").toString("utf8");
}

/**
 * `vsn` of the query names the serializer; ours is 2.x. Anything else must be refused by HTTP status: a client that names none speaks
 * 1.0.0 (Phoenix `socket.ex`, `__connect__`). The last `vsn` counts, because the stock client appends its own.
 */
export function speaksOurVersion(request: Request): boolean {
  const version = new URL(request.url).searchParams.getAll("vsn").at(-1);
  return version !== undefined && /^2(\.\d+){0,2}$/.test(version);
}
