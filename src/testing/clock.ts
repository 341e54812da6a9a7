import type { Clock } from "../core/ports/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** 2026-01-01T00:00:00Z */
const startUs = 1_767_225_600_000_000;

/**
 * Time that passes only when it is told to, so that hours of retries and deadlines take milliseconds, and the same every time.
 * Between two timers everything that can run without time passing has run.
 */
export class VirtualClock implements Clock {
  #ms = 0;
  #shiftUs = 0;
  #timers: Timer[] = [];
  #ordered = 0;

  nowUs(): number {
    return startUs + this.#shiftUs + Math.floor(this.#ms * 1_000);
  }

  monotonicMs(): number {
    return this.#ms;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#ms + delayMs, order: this.#ordered++, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Sets the wall clock forward or back, as NTP does; deadlines do not notice. */
  stepWallClock(us: number): void {
    this.#shiftUs += us;
  }

  /** Lets time pass in which no timer gets its turn, as in a loop that is busy. What became due runs when time passes again. */
  stall(durationMs: number): void {
    this.#ms += durationMs;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Lets time pass, timer by timer, until the condition holds. Throws when it does not within `limitMs`. */
  async runUntil(condition: () => boolean, limitMs: number): Promise<void> {
    const endMs = this.#ms + limitMs;
    await settled();
    while (!condition()) {
      const next = this.#next();
      if (!next || next.atMs > endMs)
        throw new Error(`not so within ${limitMs} ms of virtual time: ${condition}`);
      await this.#run(next);
    }
  }

  /** Lets this much time pass. */
  async runFor(durationMs: number): Promise<void> {
    const endMs = this.#ms + durationMs;
    await settled();
    for (let next = this.#next(); next && next.atMs <= endMs; next = this.#next()) await this.#run(next);
    this.#ms = endMs;
  }

  async #run(timer: Timer): Promise<void> {
    this.#timers = this.#timers.filter((each) => each !== timer);
    this.#ms = Math.max(this.#ms, timer.atMs);
    timer.call();
    await settled();
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    return next;
  }
}

/** Resolves when no promise is left that could go on by itself. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
