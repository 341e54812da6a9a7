import { FreezableSocket } from "../clients/freezable-socket.ts";
import { eventually } from "../eventually.ts";

export interface Listening {
  readonly url: string;
  readonly token: string;
  readonly topic: string;
}

interface HeardMessage {
  readonly seq: number;
  readonly content: string;
}

/** A socket on one topic that keeps of each message only its seq, and comes back when it was closed. */
export class Listener {
  readonly seqs = new Set<number>();
  /** From the time that a message's content begins with to its coming. */
  readonly tookMs: number[] = [];
  readonly violations: string[] = [];
  wasClosed = false;
  readonly #address: string;
  readonly #topic: string;
  #socket: FreezableSocket | null = null;
  #isLive = false;
  #isWanted = false;
  #onSocket = new Set<number>();
  #ref = 1;

  constructor({ url, token, topic }: Listening) {
    this.#address = `${url}/socket/websocket?vsn=2.0.0&token=${token}`;
    this.#topic = topic;
  }

  async connect(): Promise<void> {
    this.#isWanted = true;
    this.#open();
    await eventually("a listener to be live", () => this.#isLive, 60_000);
  }

  push(topic: string, event: string, payload: object): void {
    this.#socket?.send(JSON.stringify(["1", String(++this.#ref), topic, event, payload]));
  }

  disconnect(): void {
    this.#isWanted = false;
    this.#isLive = false;
    this.#socket?.close();
  }

  #open(): void {
    const socket = new FreezableSocket(this.#address);
    this.#socket = socket;
    this.#onSocket = new Set();
    socket.onopen = () => socket.send(JSON.stringify(["1", "1", this.#topic, "phx_join", {}]));
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = () => this.#closed();
  }

  #closed(): void {
    if (!this.#isWanted) return;
    this.wasClosed = true;
    setTimeout(() => this.#open(), 20);
  }

  #hear(frame: string): void {
    const [, ref, , event, payload] = JSON.parse(frame);
    const isJoined = event === "phx_reply" && ref === "1" && this.#topic.startsWith("conversation:");
    if (event === "caught_up" || isJoined) this.#isLive = true;
    if (event === "phx_reply" && payload.status !== "ok") this.violations.push(frame.slice(0, 200));
    if (event === "new_message") this.#keep(payload.message, true);
    if (event === "pending_messages") for (const message of payload.messages) this.#keep(message, false);
  }

  #keep({ seq, content }: HeardMessage, isLive: boolean): void {
    if (this.#onSocket.has(seq)) this.violations.push(`twice on one socket: ${seq}`);
    if (seq > this.seqs.size + 1) this.violations.push(`a hole before ${seq}`);
    this.#onSocket.add(seq);
    this.seqs.add(seq);
    if (isLive) this.tookMs.push(performance.now() - Number.parseFloat(content));
  }
}
