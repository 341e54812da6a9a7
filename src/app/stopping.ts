import type { Clock } from "../core/ports/clock.ts";

/** One deadline for the whole stop, and the reason not to be ready meanwhile. */
export class Stopping {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #untilMs = Number.POSITIVE_INFINITY;
  #unfinished: string[] = [];

  constructor(options: { readonly clock: Clock; readonly timeoutMs: number }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  begin(): void {
    this.#untilMs = Math.min(this.#untilMs, this.#clock.monotonicMs() + this.#timeoutMs);
  }

  get hasBegun(): boolean {
    return this.#untilMs !== Number.POSITIVE_INFINITY;
  }

  /** Leaves a tenth of the time for what comes after. */
  get leftMs(): number {
    this.begin();
    return Math.max(0, (this.#untilMs - this.#clock.monotonicMs()) * 0.9);
  }

  /** Resolves with the work or when the time is over, whichever comes first; `assertKept` tells which. */
  async within(what: string, work: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const cancel = this.#clock.after(this.leftMs, () => resolve("late"));
    try {
      if ((await Promise.race([work, late])) === "late") this.#unfinished.push(what);
    } finally {
      cancel();
    }
  }

  /** Throws when the deadline was not enough. */
  assertKept(): void {
    if (this.#unfinished.length === 0) return;
    throw new Error(`WHISPR_STOP_TIMEOUT was over before all was done: ${this.#unfinished.join(", ")}`);
  }
}
