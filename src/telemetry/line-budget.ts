const windowMs = 1_000;

/** So many lines a second: what a client provokes at will must not fill a disk or hold up the loop with writing. */
export class LineBudget {
  readonly #perSecond: number;
  readonly #monotonicMs: () => number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #written = 0;
  #suppressed = 0;

  constructor(options: { readonly perSecond: number; readonly monotonicMs: () => number }) {
    this.#perSecond = options.perSecond;
    this.#monotonicMs = options.monotonicMs;
  }

  /** Null: write nothing now. Else write, and tell how many were left out since the last one, when there were any. */
  take(): { readonly suppressed?: number } | null {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = nowMs;
      this.#written = 0;
    }
    if (this.#written >= this.#perSecond) {
      this.#suppressed++;
      return null;
    }
    this.#written++;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed > 0 ? { suppressed } : {};
  }
}
