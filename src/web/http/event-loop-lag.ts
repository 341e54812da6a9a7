import type { Clock } from "../../core/ports/clock.ts";

/** A pause within this time after another is no accident: something keeps the loop busy in long pieces. */
const forgiveEveryMs = 10_000;

/** Short beside any bound, long beside what a tick costs: 20 a second. */
const tickMs = 50;

/**
 * Measures how late the event loop is. Bun serves everything that is readable before it runs a timer, so under overload a timer
 * comes too late to say so. Callers that are about to do work therefore ask how long the next tick is overdue. With a bound of 0
 * there is no timer, and the loop is never late.
 *
 * Under load, somebody always asks. If nobody asked for longer than the bound, one pause (of the garbage collector, of the
 * machine) made the loop late, and little work waits. Such a single pause is forgiven: time counts from its end.
 */
export class EventLoopLag {
  readonly #clock: Clock;
  readonly #maxMs: number;
  #dueMs = Number.POSITIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;
  #forgivenMs = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => {};

  constructor(options: { readonly clock: Clock; readonly maxMs: number }) {
    this.#clock = options.clock;
    this.#maxMs = options.maxMs;
    if (options.maxMs > 0) this.#next();
  }

  /** Whether the loop is later than this part of the bound. Reads the clock once. */
  exceeds(part: number): boolean {
    if (this.#maxMs === 0) return false;
    const nowMs = this.#clock.monotonicMs();
    const silentMs = nowMs - this.#askedMs;
    this.#askedMs = nowMs;
    if (nowMs - Math.max(this.#dueMs, this.#forgivenMs) <= part * this.#maxMs) return false;
    return !this.#forgives(nowMs, silentMs);
  }

  #forgives(nowMs: number, silentMs: number): boolean {
    if (silentMs <= this.#maxMs || nowMs - this.#forgivenMs < forgiveEveryMs) return false;
    this.#forgivenMs = nowMs;
    return true;
  }

  stop(): void {
    this.#cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #next(): void {
    this.#dueMs = this.#clock.monotonicMs() + tickMs;
    this.#cancel = this.#clock.after(tickMs, () => this.#next());
  }
}
