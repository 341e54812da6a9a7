import type { Clock } from "../core/ports/clock.ts";
import type { Limiter, LimitName, Limits, Rate } from "../core/ports/limiter.ts";

/** The most keys remembered for one limit, about 100 bytes each. Beyond it those forgotten first are the longest unused. */
const maxKeys = 200_000;
/** Far below what anybody can use, far above what adding doubles loses. */
const slackMs = 0.001;

/** Limits of one process, in its memory. */
export class LocalLimiter implements Limiter {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #schedules: { readonly [N in LimitName]: Schedule | null };

  constructor(options: { readonly clock: Clock; readonly limits: Limits; readonly maxKeys?: number }) {
    const { clock, limits } = options;
    const nowMs = clock.monotonicMs();
    const scheduleOf = (limit: LimitName) =>
      limits[limit].perMinute === 0 ? null : new Schedule(limits[limit], options.maxKeys ?? maxKeys, nowMs);
    this.#clock = clock;
    this.#limits = limits;
    this.#schedules = {
      user_messages: scheduleOf("user_messages"),
      conversation_messages: scheduleOf("conversation_messages"),
      connection_operations: scheduleOf("connection_operations"),
      connection_typing: scheduleOf("connection_typing"),
      connection_reads: scheduleOf("connection_reads"),
      connection_joins: scheduleOf("connection_joins"),
      user_frames: scheduleOf("user_frames"),
      user_handshakes: scheduleOf("user_handshakes"),
      address_failures: scheduleOf("address_failures"),
      process_handshakes: scheduleOf("process_handshakes"),
    };
  }

  take(limit: LimitName, key: string, uses = 1): number {
    const schedule = this.#schedules[limit];
    return schedule === null ? 0 : schedule.take(key, this.#clock.monotonicMs(), uses);
  }

  giveBack(limit: LimitName, key: string): void {
    this.#schedules[limit]?.giveBack(key);
  }

  rateOf(limit: LimitName): Rate {
    return this.#limits[limit];
  }

  /** Remembered at present, over all limits. */
  get keys(): number {
    return Object.values(this.#schedules).reduce((sum, schedule) => sum + (schedule?.size ?? 0), 0);
  }
}

/**
 * One limit as GCRA (the generic cell rate algorithm): all that is known of a key is when its next use would be due if uses
 * came evenly. A key whose due time has passed is as good as unknown.
 *
 * Keys live in two generations. The young one becomes the old one once every key of the old one is certainly past due, or
 * when it is full: no timer, no walk, and what is dropped is what was not used for the longest time.
 */
class Schedule {
  readonly #everyMs: number;
  readonly #burst: number;
  readonly #generationMs: number;
  readonly #maxYoung: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turnedMs: number;

  constructor({ perMinute, burst }: Rate, maxKeys: number, nowMs: number) {
    this.#everyMs = 60_000 / perMinute;
    this.#burst = burst;
    this.#generationMs = burst * this.#everyMs;
    this.#maxYoung = Math.max(1, Math.floor(maxKeys / 2));
    this.#turnedMs = nowMs;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  take(key: string, nowMs: number, given: number): number {
    if (nowMs - this.#turnedMs >= this.#generationMs) this.#turn(nowMs);
    const dueMs = Math.max(nowMs, this.#young.get(key) ?? this.#old.get(key) ?? nowMs);
    const uses = Math.min(given, this.#burst);
    const waitMs = dueMs - nowMs - (this.#burst - uses) * this.#everyMs;
    if (waitMs > slackMs) return Math.ceil(waitMs);
    if (this.#young.size >= this.#maxYoung && !this.#young.has(key)) this.#turn(nowMs);
    this.#young.set(key, dueMs + uses * this.#everyMs);
    return 0;
  }

  /** A due time that lies in the past by this says no more than none. */
  giveBack(key: string): void {
    const keys = this.#young.has(key) ? this.#young : this.#old;
    const dueMs = keys.get(key);
    if (dueMs !== undefined) keys.set(key, dueMs - this.#everyMs);
  }

  #turn(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnedMs = nowMs;
  }
}
