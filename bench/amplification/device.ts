import { type Destination, WebSocketClient } from "../storm/web-socket.ts";
import type { Exchange } from "./http-connection.ts";

const answerWithinMs = 20_000;

interface Awaited {
  /** Null: any reply. */
  readonly ref: string | null;
  readonly answered: (status: string, size: number) => void;
}

/** One socket of a user, which counts what it receives: the frames with their heads, without pings. */
export class Device {
  receivedBytes = 0;
  receivedFrames = 0;
  largestFrame = 0;
  closes = 0;
  readonly #to: Destination;
  readonly #token: string;
  readonly #from: string;
  #socket: WebSocketClient | null = null;
  #topics: string[] = [];
  #nextRef = 1;
  #awaited: Awaited | null = null;

  constructor(options: { readonly url: string; readonly token: string; readonly from: string }) {
    const { hostname, port } = new URL(options.url);
    this.#to = { hostname, port: Number(port) };
    this.#token = options.token;
    this.#from = options.from;
  }

  get isOpen(): boolean {
    return this.#socket?.isOpen === true;
  }

  async connect(topics: readonly string[] = []): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      setTimeout(() => reject(new Error("the handshake was not answered")), answerWithinMs).unref();
      this.#socket = WebSocketClient.connect(
        this.#to,
        {
          path: `/socket/websocket?vsn=2.0.0&token=${this.#token}`,
          headers: "",
          from: this.#from,
        },
        {
          opened: resolve,
          refused: (status, _headers, body) => reject(new Error(`handshake: ${status} ${body}`)),
          text: (frame) => this.#heard(frame),
          closed: () => {
            this.#closed();
            reject(new Error("the connection was closed"));
          },
        },
      );
    });
    this.#topics = [];
    for (const topic of topics) await this.join(topic);
    return this;
  }

  async join(topic: string, payload = "{}"): Promise<Exchange> {
    if (!this.#topics.includes(topic)) this.#topics.push(topic);
    return this.push(topic, "phx_join", payload);
  }

  /** Connects again, to the same topics, when the server closed it. */
  async reopened(): Promise<this> {
    return this.isOpen ? this : this.connect([...this.#topics]);
  }

  /** Sends one frame and waits for its reply, or for the end of the socket. Counts the reply alone: frames of others that come between are in `receivedBytes`. */
  async push(topic: string, event: string, payload: string): Promise<Exchange> {
    const ref = String(this.#nextRef++);
    return this.text(`["1","${ref}","${topic}","${event}",${payload}]`, ref);
  }

  /** `ref`: of the reply that is waited for; null: any reply, to a frame that cannot be read. */
  async text(text: string, ref: string | null): Promise<Exchange> {
    const sent = sizeOnWire(Buffer.byteLength(text)) + maskBytes;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no reply to ${text.slice(0, 200)}`)), answerWithinMs);
      const answered = (status: string, received: number) => {
        clearTimeout(late);
        resolve({ sent, received, status });
      };
      this.#awaited = { ref, answered };
      if (this.isOpen) this.#socket?.sendText(text);
      else this.#settle("closed", 0);
    });
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #heard(frame: Buffer): void {
    const size = sizeOnWire(frame.length);
    this.receivedBytes += size;
    this.receivedFrames++;
    this.largestFrame = Math.max(this.largestFrame, size);
    if (!this.#awaited) return;
    const head = frame.toString("latin1", 0, 2_000);
    const { ref } = this.#awaited;
    if (!head.includes(`"phx_reply"`) || (ref !== null && !head.includes(`,"${ref}",`))) return;
    this.#settle(/"status":"(\w+)"/.exec(head)?.[1] ?? "reply", size);
  }

  #settle(status: string, size: number): void {
    const awaited = this.#awaited;
    this.#awaited = null;
    awaited?.answered(status, size);
  }

  #closed(): void {
    this.closes++;
    this.#settle("closed", 0);
  }
}

const maskBytes = 4;

function sizeOnWire(payload: number): number {
  return payload + (payload < 126 ? 2 : payload < 65_536 ? 4 : 10);
}
