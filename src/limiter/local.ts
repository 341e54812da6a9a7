import { budgets, type LimitName } from "../core/limits/budgets.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Limiter, Limits, Rate } from "../core/ports/limiter.ts";

/** The most keys remembered for one limit, about 100 bytes each. Beyond it those forgotten first are the longest unused. */
const maxKeys = 200_000;
/** Far below what anybody can use, far above what adding doubles loses. */
const slackMs = 0.001;

/** Null: there is no limit. */
type Schedules = Readonly<Record<LimitName, Schedule | null>>;

/** Limits of one process, in its memory. */
export class LocalLimiter implements Limiter {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #schedules: Schedules;

  constructor(options: { readonly clock: Clock; readonly limits: Limits; readonly maxKeys?: number }) {
    const { clock, limits } = options;
    const nowMs = clock.monotonicMs();
    const scheduleOf = (limit: LimitName) =>
      limits[limit].perMinute === 0 ? null : new Schedule(limits[limit], options.maxKeys ?? maxKeys, nowMs);
    this.#clock = clock;
    this.#limits = limits;
    const names = Object.keys(budgets) as LimitName[];
    this.#schedules = Object.fromEntries(names.map((name) => [name, scheduleOf(name)])) as Schedules;
  }

  take(limit: LimitName, key: string, cost = 1): number {
    const schedule = this.#schedules[limit];
    return schedule === null ? 0 : schedule.take(key, cost, this.#clock.monotonicMs());
  }

  charge(limit: LimitName, key: string, cost: number): void {
    this.#schedules[limit]?.charge(key, cost, this.#clock.monotonicMs());
  }

  giveBack(limit: LimitName, key: string, cost = 1): void {
    this.#schedules[limit]?.giveBack(key, cost, this.#clock.monotonicMs());
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
  /** By then all keys of a generation are past due. What was charged beyond the burst is due later than a generation lasts. */
  #youngDueMs = 0;
  #oldDueMs = 0;

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

  take(key: string, cost: number, nowMs: number): number {
    const dueMs = this.#dueOf(key, nowMs);
    const aheadMs = Math.max(0, this.#burst - cost) * this.#everyMs;
    const waitMs = dueMs - nowMs - aheadMs;
    if (waitMs > slackMs) return Math.ceil(waitMs);
    this.#set(key, dueMs + cost * this.#everyMs, nowMs);
    return 0;
  }

  charge(key: string, cost: number, nowMs: number): void {
    this.#set(key, this.#dueOf(key, nowMs) + cost * this.#everyMs, nowMs);
  }

  /** A key of which nothing is left to remember is forgotten: what was given back takes no room from other keys. */
  giveBack(key: string, cost: number, nowMs: number): void {
    const keys = this.#young.has(key) ? this.#young : this.#old;
    const dueMs = (keys.get(key) ?? 0) - cost * this.#everyMs;
    if (dueMs > nowMs) keys.set(key, dueMs);
    else keys.delete(key);
  }

  #dueOf(key: string, nowMs: number): number {
    if (nowMs - this.#turnedMs >= this.#generationMs && nowMs >= this.#oldDueMs) this.#turn(nowMs);
    return Math.max(nowMs, this.#young.get(key) ?? this.#old.get(key) ?? nowMs);
  }

  #set(key: string, dueMs: number, nowMs: number): void {
    if (this.#young.size >= this.#maxYoung && !this.#young.has(key)) this.#turn(nowMs);
    this.#young.set(key, dueMs);
    if (dueMs > this.#youngDueMs) this.#youngDueMs = dueMs;
  }

  #turn(nowMs: number): void {
    this.#old = this.#young;
    this.#oldDueMs = this.#youngDueMs;
    this.#young = new Map();
    this.#youngDueMs = 0;
    this.#turnedMs = nowMs;
  }
}
