import type { Clock } from "../../core/ports/clock.ts";
import type { Rejection } from "../../core/rejection.ts";
import { overloadedReads, tooManyReads } from "../refusals.ts";
import { FairQueue } from "./fair-queue.ts";

export interface FairTurnsSettings {
  /** The most works under way. */
  readonly maxAtOnce: number;
  /** The most works of one user under way. */
  readonly maxAtOncePerUser: number;
  /** The most works of one user, under way or waiting; beyond it `rate_limited`. 0: no such bound. */
  readonly maxPerUser: number;
}

/** The most works that wait, of all users; a user may hold at most half of it. Beyond it `overloaded`. */
const maxWaiting = 20_000;
/** The longest that a work waits for its turn; after that `overloaded`. */
const maxWaitMs = 10_000;

interface Turn {
  readonly sinceMs: number;
  /** False: it waited for too long. */
  readonly begin: (isInTime: boolean) => void;
}

/**
 * Runs a bounded number of works at once, and of each user fewer. The others wait, and users are served in turn: what one user
 * asks for does not delay another by more than the works that are under way.
 */
export class FairTurns {
  readonly #settings: FairTurnsSettings;
  readonly #clock: Clock;
  readonly #queue = new FairQueue<Turn>({ maxSize: maxWaiting, weigh: () => 1 });
  readonly #underWayOf = new Map<string, number>();
  #underWay = 0;

  constructor(options: { readonly settings: FairTurnsSettings; readonly clock: Clock }) {
    this.#settings = options.settings;
    this.#clock = options.clock;
  }

  /** Does the work when the user's turn has come and returns its result, or returns a refusal without beginning it. */
  async run<T>(user: string, work: () => Promise<T>): Promise<T | Rejection> {
    const refusal = this.#refusalOf(user);
    if (refusal) return refusal;
    if (this.#mayBegin(user)) this.#begin(user);
    else if (!(await this.#turnOf(user))) return overloadedReads;
    try {
      return await work();
    } finally {
      this.#end(user);
    }
  }

  #refusalOf(user: string): Rejection | null {
    const { maxPerUser } = this.#settings;
    if (maxPerUser > 0 && this.#queue.sizeOf(user) + this.#countOf(user) >= maxPerUser) return tooManyReads;
    return this.#queue.hasRoomFor(user) ? null : overloadedReads;
  }

  #countOf(user: string): number {
    return this.#underWayOf.get(user) ?? 0;
  }

  #mayBegin(user: string): boolean {
    return this.#underWay < this.#settings.maxAtOnce && this.#hasRoomFor(user);
  }

  #hasRoomFor(user: string): boolean {
    return this.#countOf(user) < this.#settings.maxAtOncePerUser;
  }

  #begin(user: string): void {
    this.#underWay++;
    this.#underWayOf.set(user, this.#countOf(user) + 1);
  }

  /** Resolves when the turn has come. False: that took too long. */
  #turnOf(user: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#queue.push(user, { sinceMs: this.#clock.monotonicMs(), begin: resolve });
    return promise;
  }

  #end(user: string): void {
    this.#underWay--;
    const left = this.#countOf(user) - 1;
    if (left > 0) this.#underWayOf.set(user, left);
    else this.#underWayOf.delete(user);
    this.#beginNext();
  }

  #beginNext(): void {
    if (this.#queue.size === 0) return;
    const oldestMs = this.#clock.monotonicMs() - maxWaitMs;
    this.#queue.take(
      // Ends with the first user who may begin when there is no room: it does not look at all who wait.
      (user) => this.#hasRoomFor(user),
      ({ sinceMs, begin }, user) => {
        if (this.#underWay >= this.#settings.maxAtOnce) return "full";
        if (!this.#hasRoomFor(user)) return "not_now";
        const isInTime = sinceMs > oldestMs;
        if (isInTime) this.#begin(user);
        begin(isInTime);
        return "take";
      },
    );
  }
}
