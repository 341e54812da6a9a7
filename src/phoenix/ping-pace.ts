/**
 * How often sockets are pinged: each at most once per `everyMs`. One timer for all of them, and none while nobody was
 * pinged lately; a socket that is never pinged costs nothing.
 */
export interface Paced {
  /** It may be pinged again. Must not throw. */
  rested(): void;
}

export class PingPace<P extends Paced> {
  readonly #everyMs: number;
  readonly #clock: { now(): number };
  /** When each may be pinged again. All rest equally long: in the order of their pings, and so of the ends. */
  readonly #resting = new Map<P, number>();
  #timer: Timer | undefined;

  constructor(options: { readonly everyMs: number; readonly clock: { now(): number } }) {
    this.#everyMs = options.everyMs;
    this.#clock = options.clock;
  }

  /** By the clock, not by a timer that may be late. */
  isResting(paced: P): boolean {
    const endMs = this.#resting.get(paced);
    return endMs !== undefined && endMs > this.#clock.now();
  }

  /** It is pinged now; `rested` is called when it may be again. */
  pinged(paced: P): void {
    this.#resting.delete(paced);
    this.#resting.set(paced, this.#clock.now() + this.#everyMs);
    this.#wakeIn(this.#everyMs);
  }

  /** It is gone. */
  forget(paced: P): void {
    this.#resting.delete(paced);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#resting.clear();
  }

  #wakeIn(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#wake, Math.ceil(ms));
    this.#timer.unref();
  }

  readonly #wake = (): void => {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (const [paced, endMs] of this.#resting) {
      if (endMs > nowMs) return this.#wakeIn(endMs - nowMs);
      this.#resting.delete(paced);
      paced.rested();
    }
  };
}
