export interface TapedFrame {
  readonly number: number;
  readonly direction: "in" | "out";
  readonly at: Date;
  readonly bytes: number;
  readonly topic: string;
  readonly event: string;
  /** `[join_ref, ref, topic, event, payload]`, as Phoenix has it. */
  readonly frame: unknown;
}

export const framesKept = 500;

/** The last frames of the socket, both ways. */
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
    };
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
