import { eventually } from "../eventually.ts";

export interface Reply {
  readonly status: "ok" | "error";
  readonly response: Record<string, unknown> & { readonly reason?: string };
}

/** A push of the server, or a reply (`phx_reply`), as it came. */
export interface HeardFrame {
  readonly joinRef: string | null;
  readonly ref: string | number | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
}

/**
 * One authenticated WebSocket over which a test sends frames character for character, also such that no JSON library would
 * write. What comes is given to `onFrame` and not kept.
 */
export class FrameSocket {
  onFrame: (frame: HeardFrame) => void = () => {};
  onClose: () => void = () => {};
  closeCode: number | null = null;
  closeReason: string | null = null;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (reply: Reply) => void>();
  #nextRef = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#heard(String(data));
    socket.onclose = ({ code, reason }) => {
      this.closeCode = code;
      this.closeReason = reason;
      this.onClose();
    };
  }

  static async open(options: { readonly url: string; readonly token: string }): Promise<FrameSocket> {
    const address = `${options.url.replace("http", "ws")}/socket/websocket?vsn=2.0.0&token=${options.token}`;
    const socket = new FrameSocket(new WebSocket(address));
    await eventually("the socket to open", () => socket.isOpen);
    return socket;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(frame: string | Uint8Array): void {
    this.#socket.send(frame as string);
  }

  /** Joins with `joinRef`; `payload` is JSON text. */
  join(topic: string, joinRef: string, payload = "{}"): Promise<Reply> {
    return this.#ask(joinRef, topic, "phx_join", payload);
  }

  /** A push on a topic that was joined with `joinRef`; `payload` is JSON text and is sent as it is. */
  push(topic: string, joinRef: string | null, event: string, payload: string): Promise<Reply> {
    return this.#ask(joinRef, topic, event, payload);
  }

  /** Everything sent before on this socket was looked at. */
  heartbeat(): Promise<Reply> {
    return this.#ask(null, "phoenix", "heartbeat", "{}");
  }

  close(): void {
    this.#socket.close();
  }

  #ask(joinRef: string | null, topic: string, event: string, payload: string): Promise<Reply> {
    const ref = `ask ${this.#nextRef++}`;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.set(ref, resolve);
    const [joinRefText, refText, topicText, eventText] = [joinRef, ref, topic, event].map((field) =>
      JSON.stringify(field),
    );
    this.send(`[${joinRefText},${refText},${topicText},${eventText},${payload}]`);
    return promise;
  }

  #heard(text: string): void {
    const [joinRef, ref, topic, event, payload] = JSON.parse(text);
    const resolve = this.#waiting.get(ref);
    if (resolve && event === "phx_reply") {
      this.#waiting.delete(ref);
      resolve(payload);
    } else this.onFrame({ joinRef, ref, topic, event, payload });
  }
}
