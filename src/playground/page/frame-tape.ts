export interface TapedFrame {
  readonly number: number;
  readonly direction: "in" | "out";
  readonly at: Date;
  readonly bytes: number;
  readonly topic: string;
  readonly event: string;
  /** `[join_ref, ref, topic, event, payload]`, as Phoenix has it; of a call over REST, what was asked and answered. */
  readonly frame: unknown;
  /** Null: it went over the socket. */
  readonly call: RestCall | null;
}

/** A request over REST. */
export interface RestCall {
  readonly method: string;
  /** Below `/api/v1`. */
  readonly path: string;
  readonly body?: unknown;
}

export const framesKept = 500;
/** Pages of history are long, and many frames are kept. */
const longestAnswer = 20_000;

/** The last frames of the socket, both ways, and the calls over REST between them. */
export class FrameTape {
  isPaused = false;
  #frames: readonly TapedFrame[] = [];
  #count = 0;

  get frames(): readonly TapedFrame[] {
    return this.#frames;
  }

  add(direction: "in" | "out", text: string): void {
    if (this.isPaused) return;
    const frame = parsed(text);
    const [, , topic, event] = Array.isArray(frame) ? frame : [];
    const taped = {
      number: ++this.#count,
      direction,
      at: new Date(),
      bytes: new TextEncoder().encode(text).length,
      topic: typeof topic === "string" ? topic : "",
      event: typeof event === "string" ? event : "",
      frame,
      call: null,
    };
    this.#keep(taped);
  }

  /** One call, once it is answered; what came is what counts in bytes. */
  addCall(call: RestCall, status: number, answer: string): void {
    if (this.isPaused) return;
    const response = answer.length > longestAnswer ? `${answer.length} characters` : parsed(answer);
    this.#keep({
      number: ++this.#count,
      direction: "out",
      at: new Date(),
      bytes: new TextEncoder().encode(answer).length,
      topic: call.path,
      event: `${call.method} ${status}`,
      frame: { request: call, status, response },
      call,
    });
  }

  #keep(taped: TapedFrame): void {
    this.#frames = [...this.#frames, taped].slice(-framesKept);
  }

  /** Returns what takes it back. */
  clear(): () => void {
    const cleared = this.#frames;
    this.#frames = [];
    return () => {
      this.#frames = [...cleared, ...this.#frames].slice(-framesKept);
    };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
