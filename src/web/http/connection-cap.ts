import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import type { Check } from "./probes.ts";

/** After a refusal the probe says so for this long, though somebody may have left meanwhile. */
const refusedForMs = 10_000;
/** How old the count may be for a request; a handshake always counts afresh. */
const staleMs = 20;

export interface DescriptorLimits {
  /** Descriptors that this process may have open. */
  readonly limit: number;
  /** Kept for the database, files and probes. */
  readonly reserved: number;
  /** How many are open. */
  readonly open: () => number;
}

/**
 * Keeps clients from taking the last descriptors: without one, no connection to the database and no file can be opened, and the
 * runtime tries in a tight loop to accept what it cannot. Sockets are refused before the reserve is touched, and requests lose
 * their keep-alive; in the reserve, requests are refused as well.
 */
export class ConnectionCap {
  readonly #limits: DescriptorLimits;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #observer: Pick<Observer, "error">;
  #open = 0;
  #countedMs = Number.NEGATIVE_INFINITY;
  #refusedMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly limits: DescriptorLimits;
    readonly clock: Pick<Clock, "monotonicMs">;
    readonly observer: Pick<Observer, "error">;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Whether another socket may be opened. */
  handshake(): Rejection | null {
    this.#count();
    return this.#isOver(this.#cap) ? this.#refused() : null;
  }

  /** Whether a request is answered. Never asked for probes: they use the reserve. */
  request(): Rejection | null {
    this.#countUnlessRecent();
    return this.#isOver(this.#cap + this.#limits.reserved / 2) ? this.#refused() : null;
  }

  /** Whether a connection may stay open for another request. */
  get isCrowded(): boolean {
    this.#countUnlessRecent();
    return this.#isOver(this.#cap);
  }

  get check(): Check {
    this.#count();
    const refusedLately = this.#clock.monotonicMs() - this.#refusedMs < refusedForMs;
    if (!refusedLately && !this.#isOver(this.#cap)) return { status: "ok" };
    return {
      status: "degraded",
      reason: `${this.#open} of ${this.#limits.limit} open files and connections are in use`,
    };
  }

  get #cap(): number {
    return this.#limits.limit - this.#limits.reserved;
  }

  #isOver(count: number): boolean {
    return this.#open >= count;
  }

  #refused(): Rejection {
    this.#refusedMs = this.#clock.monotonicMs();
    this.#observer.error("descriptors_exhausted", { open: this.#open, limit: this.#limits.limit });
    return full;
  }

  #countUnlessRecent(): void {
    if (this.#clock.monotonicMs() - this.#countedMs >= staleMs) this.#count();
  }

  #count(): void {
    this.#open = this.#limits.open();
    this.#countedMs = this.#clock.monotonicMs();
  }
}

const full = reject(
  "overloaded",
  "This server has as many connections as it may have. Try again after retry_after_ms.",
  { retryAfterMs: 5_000 },
);
