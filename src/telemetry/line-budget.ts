/** So many lines in a window of time: a failure that repeats must not fill a disk or hold up the loop with writing. */
export class LineBudget {
  readonly #lines: number;
  readonly #windowMs: number;
  readonly #monotonicMs: () => number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #written = 0;
  #suppressed = 0;

  constructor(options: {
    readonly lines: number;
    readonly windowMs: number;
    readonly monotonicMs: () => number;
  }) {
    this.#lines = options.lines;
    this.#windowMs = options.windowMs;
    this.#monotonicMs = options.monotonicMs;
  }

  /** Null: write nothing now. Else write, and say how many were left out since the last one, when there were any. */
  take(): { readonly suppressed?: number } | null {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#windowStartMs >= this.#windowMs) {
      this.#windowStartMs = nowMs;
      this.#written = 0;
    }
    if (this.#written >= this.#lines) {
      this.#suppressed++;
      return null;
    }
    this.#written++;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed > 0 ? { suppressed } : {};
  }
}
