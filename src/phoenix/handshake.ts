/** What a handshake request says before there is a socket. Pure; the endpoint answers refusals by HTTP status. */

const tokenPrefix = "base64url.bearer.phx.";

export interface HandshakeToken {
  readonly token: string | undefined;
  /** To be echoed as `Sec-WebSocket-Protocol` when the client offered it; else browsers refuse the socket. */
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

/** `vsn` of the query: 2.x, or absent. Anything else speaks another serializer and must be refused by HTTP status. */
export function speaksOurVersion(request: Request): boolean {
  const version = new URL(request.url).searchParams.get("vsn");
  return version === null || /^2(\.\d+){0,2}$/.test(version);
}
