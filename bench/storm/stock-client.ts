import { type Destination, WebSocketClient } from "./web-socket.ts";

/** One user on one device, and the topics that their app keeps joined. */
export interface Person {
  readonly userId: string;
  readonly token: string;
  /** The loopback address from which this client connects. */
  readonly from: string;
  readonly topics: readonly string[];
}

/** What a client tells of itself. */
export interface StockClientEvents {
  /** All topics are joined. */
  returned(client: StockClient): void;
  lost(client: StockClient): void;
  /** `reason`: the status, and the code of the refusal. */
  handshakeRefused(reason: string, retryAfterSeconds: number | null): void;
  /** Nobody listened, or the connection broke before it was answered. */
  connectionFailed(): void;
  joinRefused(reason: string): void;
  joinTimedOut(): void;
  reply(client: StockClient, ref: string, status: string): void;
  message(client: StockClient, content: string): void;
}

/** phoenix.js 1.8, `socket.js` and `channel.js`. */
const reconnectAfterMs = [10, 50, 100, 150, 200, 250, 500, 1_000, 2_000];
const longestReconnectMs = 5_000;
const rejoinAfterMs = [1_000, 2_000, 5_000];
const longestRejoinMs = 10_000;
const pushTimeoutMs = 10_000;
const heartbeatMs = 30_000;

/** The array and the status, as the server writes them. */
const replyStart = /^\[(?:null|"[^"]*"),"([^"]*)","([^"]*)","phx_reply",\{"status":"(\w+)"/;
const headInReply = /"head_seq":(\d+),"head_rev":(\d+),"generation":(\d+)/;

interface Cursor {
  since_seq: number;
  since_rev: number;
  generation: number | null;
}

/** A channel as phoenix.js keeps it: its join is sent again whenever the socket opens, and by its own timer after a refusal. */
interface Channel {
  readonly topic: string;
  state: "errored" | "joining" | "joined";
  joinRef: string;
  tries: number;
  timer: Timer | null;
  /** What the app has of the conversation. */
  cursor: Cursor;
}

/**
 * Behaves as the npm client `phoenix` 1.8 does in an app, frame by frame and timer by timer, without its objects: backoff of reconnects and of joins, the
 * timeout of joins, heartbeats. A refused handshake is an error and no more to it, as in a browser: it cannot see `retry-after`.
 */
export class StockClient {
  readonly person: Person;
  readonly #to: Destination;
  readonly #events: StockClientEvents;
  readonly #channels: readonly Channel[];
  #socket: WebSocketClient | null = null;
  #ref = 0;
  #tries = 0;
  #joined = 0;
  #hasReturned = false;
  #wasRefused = false;
  #heartbeat: Timer | null = null;
  #pendingHeartbeat: string | null = null;

  constructor(person: Person, to: Destination, events: StockClientEvents) {
    this.person = person;
    this.#to = to;
    this.#events = events;
    this.#channels = person.topics.map((topic) => ({
      topic,
      state: "errored",
      joinRef: "",
      tries: 0,
      timer: null,
      cursor: { since_seq: 0, since_rev: 0, generation: null },
    }));
  }

  connect(): void {
    const token = Buffer.from(this.person.token).toString("base64url");
    this.#socket = WebSocketClient.connect(
      this.#to,
      {
        path: "/socket/websocket?vsn=2.0.0",
        headers: `Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.${token}\r\n`,
        from: this.person.from,
      },
      {
        opened: () => this.#opened(),
        refused: (status, headers, body) => this.#refused(status, headers, body),
        text: (frame) => this.#received(frame),
        closed: () => this.#closed(),
      },
    );
  }

  /** The network goes away. */
  cut(): void {
    this.#socket?.cut();
  }

  get hasReturned(): boolean {
    return this.#hasReturned;
  }

  /** A push on a topic that is joined. Returns its ref. */
  push(topicIndex: number, event: string, payload: string): string {
    const { topic, joinRef } = this.#channels[topicIndex]!;
    const ref = this.#makeRef();
    this.#socket?.sendText(`["${joinRef}","${ref}","${topic}","${event}",${payload}]`);
    return ref;
  }

  #makeRef(): string {
    return String(++this.#ref);
  }

  #opened(): void {
    this.#tries = 0;
    this.#beatLater();
    for (const channel of this.#channels) {
      channel.tries = 0;
      this.#join(channel);
    }
  }

  #refused(status: number, headers: string, body: string): void {
    const code = /"error":"(\w+)"/.exec(body)?.[1] ?? "?";
    const retryAfter = /\r\nretry-after: (\d+)/i.exec(headers)?.[1];
    this.#events.handshakeRefused(`${status} ${code}`, retryAfter === undefined ? null : Number(retryAfter));
    this.#wasRefused = true;
  }

  #closed(): void {
    if (!this.#wasOpen && !this.#wasRefused) this.#events.connectionFailed();
    this.#wasRefused = false;
    if (this.#hasReturned) this.#events.lost(this);
    this.#hasReturned = false;
    this.#joined = 0;
    this.#stopBeating();
    for (const channel of this.#channels) this.#error(channel);
    setTimeout(() => {
      this.#tries++;
      this.connect();
    }, reconnectAfterMs[this.#tries] ?? longestReconnectMs);
  }

  get #wasOpen(): boolean {
    return this.#heartbeat !== null;
  }

  #error(channel: Channel): void {
    if (channel.timer) clearTimeout(channel.timer);
    channel.timer = null;
    channel.state = "errored";
  }

  #join(channel: Channel): void {
    const { topic, cursor } = channel;
    if (channel.timer) clearTimeout(channel.timer);
    channel.state = "joining";
    channel.joinRef = this.#makeRef();
    const payload = topic.startsWith("user:") ? "{}" : JSON.stringify(cursor);
    channel.timer = setTimeout(() => this.#joinTimedOut(channel), pushTimeoutMs);
    this.#socket?.sendText(`["${channel.joinRef}","${channel.joinRef}","${topic}","phx_join",${payload}]`);
  }

  #joinTimedOut(channel: Channel): void {
    this.#events.joinTimedOut();
    const { joinRef, topic } = channel;
    this.#socket?.sendText(`["${joinRef}","${this.#makeRef()}","${topic}","phx_leave",{}]`);
    this.#rejoinLater(channel);
  }

  #rejoinLater(channel: Channel): void {
    this.#error(channel);
    const delayMs = rejoinAfterMs[channel.tries++] ?? longestRejoinMs;
    channel.timer = setTimeout(() => this.#join(channel), delayMs);
  }

  #received(frame: Buffer): void {
    const head = frame.toString("latin1", 0, 160);
    if (head.includes('"phx_reply"')) this.#replied(frame);
    else if (head.includes('"new_message"')) this.#messaged(frame);
  }

  /** Reads the start of the frame only: parsing the marks of whole groups would make this client the bottleneck. */
  #replied(frame: Buffer): void {
    const start = frame.toString("latin1", 0, 2_048);
    const [, ref, topic, status] = replyStart.exec(start) ?? [];
    if (ref === undefined || topic === undefined || status === undefined) return;
    if (ref === this.#pendingHeartbeat) return this.#beatLater();
    const channel = this.#channels.find((each) => each.topic === topic);
    if (channel?.state === "joining" && ref === channel.joinRef) this.#settled(channel, status, start);
    else this.#events.reply(this, ref, status);
  }

  #settled(channel: Channel, status: string, start: string): void {
    if (status !== "ok") {
      this.#events.joinRefused(/"reason":"(\w+)"/.exec(start)?.[1] ?? "?");
      return this.#rejoinLater(channel);
    }
    this.#error(channel);
    channel.state = "joined";
    channel.tries = 0;
    const [, seq, rev, generation] = headInReply.exec(start) ?? [];
    if (seq !== undefined)
      channel.cursor = { since_seq: Number(seq), since_rev: Number(rev), generation: Number(generation) };
    if (++this.#joined < this.#channels.length) return;
    this.#hasReturned = true;
    this.#events.returned(this);
  }

  #messaged(frame: Buffer): void {
    const [, , topic, , { message, rev }] = JSON.parse(frame.toString());
    const channel = this.#channels.find((each) => each.topic === topic);
    if (!channel) return;
    const { cursor } = channel;
    cursor.since_seq = Math.max(cursor.since_seq, message.seq);
    cursor.since_rev = Math.max(cursor.since_rev, message.rev ?? rev ?? 0);
    if (topic.startsWith("conversation:")) this.#events.message(this, message.content);
  }

  #beatLater(): void {
    this.#stopBeating();
    this.#heartbeat = setTimeout(() => this.#beat(), heartbeatMs);
  }

  #beat(): void {
    this.#pendingHeartbeat = this.#makeRef();
    this.#socket?.sendText(`[null,"${this.#pendingHeartbeat}","phoenix","heartbeat",{}]`);
    this.#heartbeat = setTimeout(() => this.#socket?.close(), heartbeatMs);
  }

  #stopBeating(): void {
    if (this.#heartbeat) clearTimeout(this.#heartbeat);
    this.#heartbeat = null;
    this.#pendingHeartbeat = null;
  }
}
