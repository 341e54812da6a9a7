import type { BlockedPair } from "../../core/ports/blocks.ts";

const firstPauseMs = 500;
const longestPauseMs = 60_000;
/** The most failing pairs that are remembered; those beyond it are tried at every sweep. */
const maxFailing = 10_000;

interface Failing {
  /** A pair that was changed since then is another case: it is tried at once. */
  readonly version: string;
  readonly failures: number;
  readonly dueMs: number;
}

/** Says when pairs that failed may be tried again: 0.5 s after the first failure, then twice as long each time, at most a minute. */
export class PairRetries {
  readonly #failing = new Map<string, Failing>();

  isDue(pair: BlockedPair, nowMs: number): boolean {
    const failing = this.#failing.get(keyOf(pair));
    return !failing || failing.version !== pair.version || failing.dueMs <= nowMs;
  }

  /** The pair is not due again until it has failed again. */
  begun(pair: BlockedPair): void {
    const key = keyOf(pair);
    const known = this.#failing.get(key);
    if (known) this.#failing.set(key, { ...known, dueMs: Number.POSITIVE_INFINITY });
  }

  /** Returns how often this pair has failed in a row as it is. */
  failed(pair: BlockedPair, nowMs: number): number {
    const key = keyOf(pair);
    const known = this.#failing.get(key);
    if (!known && this.#failing.size >= maxFailing) return 1;
    const failures = known?.version === pair.version ? known.failures + 1 : 1;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    this.#failing.set(key, { version: pair.version, failures, dueMs: nowMs + pauseMs });
    return failures;
  }

  succeeded(pair: BlockedPair): void {
    this.#failing.delete(keyOf(pair));
  }

  /** Call after a sweep over all pending pairs: a pair that was due before it and is still due is no longer pending. */
  forgetDue(sweepStartedMs: number): void {
    for (const [key, { dueMs }] of this.#failing) if (dueMs <= sweepStartedMs) this.#failing.delete(key);
  }

  /** When the next pair is due; infinity: none failed. */
  get nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#failing.values()) next = Math.min(next, dueMs);
    return next;
  }
}

export function keyOf({ lowId, highId }: BlockedPair): string {
  return `${lowId} ${highId}`;
}
