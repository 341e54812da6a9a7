import type { RestCall, TapedFrame } from "./frame-tape.ts";

/** Who asks, and where. */
export interface Caller {
  /** The server's address as the page sees it, with a gateway's prefix: `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly token: string;
  /** The id of a message that the page holds; null: it does not. */
  readonly messageId: (conversationId: string, seq: number) => string | null;
}

type Payload = Readonly<Record<string, unknown>>;
/** `[join_ref, ref, topic, event, payload]`. */
type WireFrame = readonly [string | null, string | null, string, string, Payload];

/** A line for a shell: the request over REST that does or reads the same. Null: only the socket has it. */
export function curlOf(taped: TapedFrame, caller: Caller): string | null {
  const request = taped.call ?? restOf(taped, caller);
  if (!request) return null;
  const parts = [
    `curl -s -X ${request.method} ${quoted(`${caller.url}/api/v1${request.path}`)}`,
    `-H ${quoted(`authorization: Bearer ${caller.token}`)}`,
    ...(request.body
      ? [`-H 'content-type: application/json'`, `--data-raw ${quoted(JSON.stringify(request.body))}`]
      : []),
  ];
  return parts.join(" \\\n  ");
}

/** A module that needs no package: for a browser's console, Node 22 and later, Bun, Deno. */
export function scriptOf(taped: TapedFrame, caller: Caller): string {
  return taped.call ? fetching(taped.call, caller) : socketing(taped, caller);
}

function fetching({ method, path, body }: RestCall, { url, token }: Caller): string {
  const init = {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  };
  return [
    `const response = await fetch(${JSON.stringify(`${url}/api/v1${path}`)}, ${JSON.stringify(init, null, 2)});`,
    "console.log(response.status, await response.text());",
    "",
  ].join("\n");
}

function socketing(taped: TapedFrame, { url, token }: Caller): string {
  const [, , topic, event, payload] = taped.frame as WireFrame;
  const address = `${url.replace(/^http/, "ws")}/socket/websocket?vsn=2.0.0`;
  const isOwn = taped.direction === "out";
  const joinPayload = isOwn && event === "phx_join" ? payload : {};
  const isMore = isOwn && event !== "phx_join" && event !== "heartbeat";
  return [
    `const token = ${JSON.stringify(token)};`,
    "// The token goes where no log has it: in the subprotocols.",
    `const bearer = "base64url.bearer.phx." + btoa(token).replaceAll("=", "");`,
    `const socket = new WebSocket(${JSON.stringify(address)}, ["phoenix", bearer]);`,
    "const send = (...frame) => socket.send(JSON.stringify(frame));",
    event === "heartbeat" || topic === "phoenix"
      ? `socket.onopen = () => send(null, "1", "phoenix", "heartbeat", {});`
      : `socket.onopen = () => send("1", "1", ${JSON.stringify(topic)}, "phx_join", ${JSON.stringify(joinPayload)});`,
    "socket.onmessage = ({ data }) => {",
    "  console.log(data);",
    ...(isMore ? afterJoin(topic, event, payload) : []),
    "};",
    "const over = setTimeout(() => socket.close(), 5_000);",
    "socket.onclose = () => clearTimeout(over);",
    "",
  ].join("\n");
}

/** A push before the topic is joined belongs to none. */
function afterJoin(topic: string, event: string, payload: Payload): readonly string[] {
  const args = [topic, event, withOwnNumber(event, payload)].map((each) => JSON.stringify(each)).join(", ");
  return [
    "  const [, ref, , event] = JSON.parse(data);",
    `  if (event === "phx_reply" && ref === "1") send("1", "2", ${args});`,
    `  if (event === "phx_reply" && ref === "2") socket.close();`,
  ];
}

function restOf(taped: TapedFrame, caller: Caller): RestCall | null {
  if (!Array.isArray(taped.frame)) return null;
  const [, , topic, event, payload] = taped.frame as unknown as WireFrame;
  const [kind, id] = topic.split(":");
  if (kind !== "conversation" && kind !== "user") return null;
  if (taped.direction === "in") return readOf(event, payload, kind === "conversation" ? id! : null);
  return kind === "conversation" ? writeOf(id!, event, payload, caller) : listOf(event);
}

function listOf(event: string): RestCall | null {
  return event === "phx_join" ? { method: "GET", path: "/conversations" } : null;
}

/** What was sent, as a request. */
function writeOf(id: string, event: string, payload: Payload, caller: Caller): RestCall | null {
  switch (event) {
    case "new_message":
      return {
        method: "POST",
        path: `/conversations/${id}/messages`,
        body: withOwnNumber(event, payload),
      };
    case "message_read":
    case "message_delivered": {
      const messageId = caller.messageId(id, Number(payload.seq));
      if (!messageId) return null;
      const path = `/messages/${messageId}/receipt?conversation_id=${id}`;
      return { method: "PATCH", path, body: { status: event.replace("message_", "") } };
    }
    case "phx_join":
      return { method: "GET", path: `/conversations/${id}/changes?since=${payload.since_rev ?? 0}` };
    default:
      return null;
  }
}

/** What a push told, read again. */
function readOf(event: string, payload: Payload, topicId: string | null): RestCall | null {
  const message = payload.message as Payload | undefined;
  const told = payload.conversation_id ?? message?.conversation_id ?? topicId;
  if (typeof told !== "string")
    return event === "phx_reply" ? null : { method: "GET", path: "/conversations" };
  const path = `/conversations/${told}`;
  if (event.startsWith("conversation_members")) return { method: "GET", path: `${path}/members` };
  if (event.startsWith("conversation_")) return { method: "GET", path };
  const seq = message?.seq ?? payload.seq;
  if (typeof seq === "number") {
    return { method: "GET", path: `${path}/messages?before=${seq + 1}&limit=1` };
  }
  return event === "phx_reply" || event.startsWith("presence")
    ? { method: "GET", path: `${path}/members` }
    : null;
}

/** A number of its own: run once it is a message of its own, run again it is the same one. */
function withOwnNumber(event: string, payload: Payload): Payload {
  if (event !== "new_message") return payload;
  return { ...payload, client_random: crypto.getRandomValues(new Uint32Array(1))[0]! };
}

/** Nothing is special to a shell between single quotes but a single quote. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
