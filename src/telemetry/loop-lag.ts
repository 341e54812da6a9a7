import type { Clock } from "../core/ports/clock.ts";

const tickMs = 50;

/** Measures how late the event loop runs a timer that is due 20 times a second, until it is stopped. */
export class LoopLag {
  readonly #clock: Clock;
  readonly #late: (lateMs: number) => void;
  #cancel: () => void = () => {};

  constructor(options: { readonly clock: Clock; readonly late: (lateMs: number) => void }) {
    this.#clock = options.clock;
    this.#late = options.late;
    this.#next();
  }

  stop(): void {
    this.#cancel();
  }

  #next(): void {
    const dueMs = this.#clock.monotonicMs() + tickMs;
    this.#cancel = this.#clock.after(tickMs, () => {
      this.#late(Math.max(0, this.#clock.monotonicMs() - dueMs));
      this.#next();
    });
  }
}
