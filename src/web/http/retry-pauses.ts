import type { Clock } from "../../core/ports/clock.ts";

const shortestMs = 1_000;
const longestMs = 20_000;
/** Refusals further apart than this are unrelated. */
const apartMs = 5_000;

/**
 * Chooses how long refused clients should wait. The pause is random, so that clients that are refused together do not come back together. It lies between
 * half and three times the time for which refusals have gone on, taken as 1 s at least and 20 s at most.
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

  /** Returns the pause for a client that is refused now, in whole milliseconds. */
  next(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastMs > apartMs) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    const lastedMs = Math.min(longestMs, Math.max(shortestMs, nowMs - this.#sinceMs));
    return Math.round(lastedMs * (0.5 + 2.5 * this.#random()));
  }
}
