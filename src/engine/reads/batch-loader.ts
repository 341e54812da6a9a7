import type { Clock } from "../../core/ports/clock.ts";
import { bindProblem, Unbindable } from "./bindable.ts";
import { FairQueue, type Verdict } from "./fair-queue.ts";
import { Suspects } from "./suspects.ts";

export interface BatchLoaderOptions<Request, Result> {
  /** Loads a batch in one read. Results are in the order of the requests. */
  readonly load: (requests: readonly Request[]) => Promise<readonly Result[]>;
  /** Returns how much a request may bring, in rows or bytes. */
  readonly weigh: (request: Request) => number;
  /** The most that one batch may bring. A request that is heavier is loaded alone. */
  readonly maxWeight: number;
  /** Users with more than this waiting are loaded apart, so that nobody waits behind them. Default: none are. */
  readonly maxLightWeight?: number;
  /** The most requests of one batch. */
  readonly maxRequests: number;
  /** The most requests that wait. A user may hold at most half of it. */
  readonly maxWaiting: number;
  /** The user who is served in turn. Default: all are the same one. */
  readonly userOf?: (request: Request) => string;
  /**
   * Requests with the same key that wait share one result, and at most one request with a key is under way per user.
   * Null: not shared.
   */
  readonly keyOf?: (request: Request) => string | null;
  /** Identifies a request after it has failed alone. Default: its user. */
  readonly identityOf?: (request: Request) => string;
  readonly clock: Clock;
}

/** The longest that a request waits for its read to begin. */
const maxWaitMs = 15_000;

/**
 * Loads many requests with few reads. Requests that arrive while a read is under way share the next one, so that a storm of
 * requests costs a few reads. A result always comes from a read that began after its request arrived.
 *
 * - Fair: users are served in turn; users with much waiting have reads of their own.
 * - Bounded: in waiting requests, in their waiting time, and in what one read may bring.
 * - Isolating: what the store cannot take is refused before it is queued (`bindProblem`). A read that fails for its data or its time is
 *   split, beside the others, until the guilty request fails alone (`Suspects`). When the store cannot be reached, everybody in the read
 *   fails at once.
 */
export class BatchLoader<Request, Result> {
  readonly #options: BatchLoaderOptions<Request, Result>;
  readonly #queue: FairQueue<Waiting<Request, Result>>;
  readonly #suspects: Suspects<Waiting<Request, Result>>;
  readonly #waitingByKey = new Map<string, Waiting<Request, Result>>();
  /** Users of whom a request with a key is under way. */
  readonly #busyUsers = new Set<string>();
  /** Requests that share the result of another one. */
  #shared = 0;
  #isLight = false;
  #isHeavy = false;

  constructor(options: BatchLoaderOptions<Request, Result>) {
    const { maxWaiting, maxLightWeight = Number.POSITIVE_INFINITY, clock } = options;
    this.#options = options;
    this.#queue = new FairQueue({ maxSize: maxWaiting, maxLightWeight, weigh: ({ weight }) => weight });
    this.#suspects = new Suspects({
      begin: (batch) => this.#begin(batch),
      load: (batch) => this.#loadBatch(batch),
      fail: (batch, error) => this.#fail(batch, error),
      identityOf: ({ request, user }) => options.identityOf?.(request) ?? user,
      clock,
    });
  }

  /** Requests that wait for their read to begin. */
  get waiting(): number {
    return this.#queue.size + this.#suspects.size + this.#shared;
  }

  /**
   * Null: too many requests wait, or this one waited for too long. Rejects with what the read of this request alone threw, with
   * `StoreUnavailable`, or with `Unbindable`.
   */
  load(request: Request): Promise<Result | null> {
    const problem = bindProblem(request);
    if (problem !== null) return Promise.reject(new Unbindable(problem));
    const user = this.#options.userOf?.(request) ?? "";
    const key = this.#options.keyOf?.(request) ?? null;
    const shared = key === null ? undefined : this.#waitingByKey.get(key);
    const ownShared = shared ? shared.listeners.length - 1 : 0;
    if (!this.#queue.hasRoomFor(user, this.#suspects.size + this.#shared + ownShared))
      return Promise.resolve(null);
    const { promise, resolve, reject } = Promise.withResolvers<Result | null>();
    if (shared) {
      this.#shared++;
      shared.listeners.push({ resolve, reject });
    } else this.#add(request, user, key, { resolve, reject });
    return promise;
  }

  #add(request: Request, user: string, key: string | null, listener: Listener<Result>): void {
    const waiting = {
      request,
      user,
      key,
      weight: this.#options.weigh(request),
      sinceMs: this.#options.clock.monotonicMs(),
      listeners: [listener],
      holdsUser: false,
    };
    if (this.#suspects.has(waiting)) {
      if (!this.#suspects.add(waiting)) return listener.resolve(null);
    } else this.#queue.push(user, waiting);
    if (key !== null) this.#waitingByKey.set(key, waiting);
    this.#wake();
  }

  #wake(): void {
    if (this.#queue.size > 0 && !this.#isLight) void this.#runLight();
  }

  /** Starts a tick late, so that what arrives in one tick shares a read. */
  async #runLight(): Promise<void> {
    this.#isLight = true;
    await Promise.resolve();
    for (;;) {
      // First, because what this takes or refuses can leave a user with little.
      if (this.#queue.hasHeavyUsers && !this.#isHeavy) void this.#runHeavy();
      const batch = this.#nextBatch((user) => !this.#queue.isHeavy(user));
      if (batch.length === 0) break;
      await this.#try(batch);
    }
    this.#isLight = false;
  }

  /** Begins only when a light read begins or ends: what came during that read then shares this one. */
  async #runHeavy(): Promise<void> {
    this.#isHeavy = true;
    for (;;) {
      const batch = this.#nextBatch((user) => this.#queue.isHeavy(user));
      if (batch.length === 0) break;
      await this.#try(batch);
      this.#wake();
    }
    this.#isHeavy = false;
    this.#wake();
  }

  #nextBatch(serves: (user: string) => boolean): readonly Waiting<Request, Result>[] {
    for (;;) {
      const taken = this.#queue.take(serves, this.#judge());
      const batch = this.#begin(taken);
      if (batch.length > 0 || taken.length === 0) return batch;
    }
  }

  /** Returns the judge of one batch: it fills the batch up, and notes the users of whom a request with a key is in it. */
  #judge(): (waiting: Waiting<Request, Result>, user: string) => Verdict {
    const { maxRequests, maxWeight } = this.#options;
    let count = 0;
    let total = 0;
    return (waiting, user) => {
      const { key, weight } = waiting;
      if (key !== null && this.#busyUsers.has(user)) return "not_now";
      if (count === maxRequests || (count > 0 && total + weight > maxWeight)) return "full";
      count++;
      total += weight;
      if (key === null) return "take";
      this.#busyUsers.add(user);
      waiting.holdsUser = true;
      return "take";
    };
  }

  /** Returns the requests whose read begins now: later ones do not share it. Refuses those that waited for too long. */
  #begin(taken: readonly Waiting<Request, Result>[]): readonly Waiting<Request, Result>[] {
    const beganMs = this.#options.clock.monotonicMs();
    return taken.filter((waiting) => {
      const { key, sinceMs } = waiting;
      if (key !== null && this.#waitingByKey.get(key) === waiting) {
        this.#waitingByKey.delete(key);
        this.#shared -= waiting.listeners.length - 1;
      }
      if (beganMs - sinceMs < maxWaitMs) return true;
      this.#settle(waiting, ({ resolve }) => resolve(null));
      return false;
    });
  }

  async #try(batch: readonly Waiting<Request, Result>[]): Promise<void> {
    try {
      await this.#loadBatch(batch);
    } catch (error) {
      this.#suspects.failed(batch, error);
    }
  }

  async #loadBatch(batch: readonly Waiting<Request, Result>[]): Promise<void> {
    const results = await this.#options.load(batch.map(({ request }) => request));
    batch.forEach((waiting, index) => {
      this.#settle(waiting, ({ resolve }) => resolve(results[index]!));
    });
  }

  #fail(batch: readonly Waiting<Request, Result>[], error: unknown): void {
    for (const waiting of batch) this.#settle(waiting, ({ reject }) => reject(error));
  }

  #settle(waiting: Waiting<Request, Result>, how: (listener: Listener<Result>) => void): void {
    for (const listener of waiting.listeners) how(listener);
    if (!waiting.holdsUser) return;
    this.#busyUsers.delete(waiting.user);
    this.#wake();
  }
}

interface Listener<Result> {
  readonly resolve: (result: Result | null) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly user: string;
  readonly key: string | null;
  readonly weight: number;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  readonly listeners: Listener<Result>[];
  /** No other request of this user with a key may be under way. */
  holdsUser: boolean;
}
