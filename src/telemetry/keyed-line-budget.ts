import { LineBudget } from "./line-budget.ts";

/** How many lines were left out. */
export interface LeftOut {
  /** Of this key, since its last line. */
  readonly suppressed?: number;
  /** Of keys that are no longer counted apart, since the last line that said so. */
  readonly suppressed_others?: number;
}

/** Keys that are counted apart at a time; the windows of the oldest end first. */
const maxKeys = 1_024;
/** All keys together have so many times the lines of one. */
const keysAtOnce = 20;

interface Window {
  readonly startMs: number;
  written: number;
  suppressed: number;
}

/**
 * As `LineBudget`, for each value of a key: an address that fails a thousand times a second does not use up the lines of the others. Memory and
 * lines are bounded also for somebody who has a million addresses, and every line that is left out is counted in a later one.
 */
export class KeyedLineBudget {
  readonly #lines: number;
  readonly #windowMs: number;
  readonly #monotonicMs: () => number;
  readonly #all: LineBudget;
  /** In the order in which their windows began. */
  readonly #windows = new Map<string, Window>();
  #others = 0;

  constructor(options: {
    readonly lines: number;
    readonly windowMs: number;
    readonly monotonicMs: () => number;
  }) {
    this.#lines = options.lines;
    this.#windowMs = options.windowMs;
    this.#monotonicMs = options.monotonicMs;
    this.#all = new LineBudget({ ...options, lines: keysAtOnce * options.lines });
  }

  /** Null: write nothing now. */
  take(key: string): LeftOut | null {
    const window = this.#windowOf(key, this.#monotonicMs());
    if (window === null) {
      this.#others++;
      return null;
    }
    if (window.written >= this.#lines || this.#all.take() === null) {
      window.suppressed++;
      return null;
    }
    window.written++;
    const [suppressed, others] = [window.suppressed, this.#others];
    window.suppressed = 0;
    this.#others = 0;
    return {
      ...(suppressed > 0 && { suppressed }),
      ...(others > 0 && { suppressed_others: others }),
    };
  }

  /** Null: too many keys are counted apart already. */
  #windowOf(key: string, nowMs: number): Window | null {
    const known = this.#windows.get(key);
    if (known && nowMs - known.startMs < this.#windowMs) return known;
    if (known) this.#windows.delete(key);
    this.#forgetEnded(nowMs);
    if (this.#windows.size >= maxKeys) return null;
    const window = { startMs: nowMs, written: 0, suppressed: known?.suppressed ?? 0 };
    this.#windows.set(key, window);
    return window;
  }

  #forgetEnded(nowMs: number): void {
    for (const [key, { startMs, suppressed }] of this.#windows) {
      if (nowMs - startMs < this.#windowMs) return;
      this.#others += suppressed;
      this.#windows.delete(key);
    }
  }
}
