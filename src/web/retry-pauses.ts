import type { Clock } from "../core/ports/clock.ts";

const shortestMs = 1_000;
const longestMs = 20_000;
/** Refusals with a longer pause between them have nothing to do with one another. */
const apartMs = 5_000;

/**
 * How long the refused should stay away: at random, so that those who are refused together do not come back together, and the longer, the longer it
 * has lasted. Between half and three times of that, which counts as 1 s at least and as 20 s at most.
 */
export class RetryPauses {
  readonly #clock: Clock;
  readonly #random: () => number;
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `random`: from 0 to below 1. */
  constructor(options: { readonly clock: Clock; readonly random?: () => number }) {
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
  }

  /** For somebody who is refused now. Whole milliseconds. */
  next(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastMs > apartMs) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    const lastedMs = Math.min(longestMs, Math.max(shortestMs, nowMs - this.#sinceMs));
    return Math.round(lastedMs * (0.5 + 2.5 * this.#random()));
  }
}
