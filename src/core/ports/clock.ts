/** The only source of time. */
export interface Clock {
  /** Microseconds since the Unix epoch. May be corrected, so it can step; order never depends on it alone. */
  nowUs(): number;
  /** Milliseconds from an arbitrary start; never goes back. For deadlines and durations. */
  monotonicMs(): number;
  /** Calls back once, not before `delayMs` have passed. The result cancels it. Does not keep the process alive. */
  after(delayMs: number, call: () => void): () => void;
}

/** Resolves not before `delayMs` have passed. Cannot be cancelled: the caller must check afterwards whether its work is still wanted. */
export function pause(clock: Pick<Clock, "after">, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
