import type pg from "pg";
import { type Clock, pause } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { allShards, type Ownership, type OwnershipListener, shardCount } from "../../core/ports/ownership.ts";
import { takeSome } from "../append/fence.ts";
import { type DatabaseSettings, destroy, isServerError, openClient } from "../connections/database.ts";
import type { StoreHealth } from "../connections/health.ts";
import { checkGeneration, currentGeneration } from "./generation.ts";
import { takeShards, tryLock, unfitSchema } from "./take-over-steps.ts";
import { WaitingNotice } from "./waiting-notice.ts";

const retryMs = 200;
/** How often the owner asks whether its session is still there. */
const confirmEveryMs = 500;
/** The right counts as held for this long after the moment at which an answered question was sent. Milliseconds. */
const rightLastsMs = 3_000;
/** Turns of the watch that a question may stay without an answer: a loop that is late has not looked for one yet. */
const longestSilenceTurns = rightLastsMs / confirmEveryMs;

const silent = new Error(`no answer for ${rightLastsMs / 1_000} s`);

/**
 * Without a cluster, the right to own is one session advisory lock: the process that gets it takes every shard at once with new epochs, and
 * loses all of them with it. No other node can be reached from here: `ownerOf` names this one or none. Its
 * connection is the proof, so every take-over runs on it; when it is lost, so is the right, until the lock is had again. A process that
 * does not get it stands by and tries again five times a second. The owner asks twice a second whether its session is still there: a process
 * that was paused or cut off does not hold the right once the last answer is three seconds old, before it notices anything else.
 */
export class AdvisoryOwnership implements Ownership {
  readonly nodeId: string;
  readonly #settings: DatabaseSettings;
  readonly #binary: string;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #health: StoreHealth;
  readonly #notice: WaitingNotice;
  readonly #epochs = new Float64Array(shardCount);
  readonly #listeners: OwnershipListener[] = [];
  readonly #resumeListeners: (() => void)[] = [];
  readonly #historyListeners: (() => void)[] = [];
  #client: pg.Client | null = null;
  #held = false;
  #acquiring = false;
  #tried = false;
  #stopped = false;
  #waitsFor = "the database";
  /** When the last question was sent that the owner's session has answered. Monotonic milliseconds. */
  #confirmedMs = Number.NEGATIVE_INFINITY;
  /** The question that has no answer yet; null: there is none. */
  #asking: { readonly client: pg.Client; silentTurns: number } | null = null;
  #watched: pg.Client | null = null;
  #renewals = 0;
  /** The generation that this process knows; null: it has not owned yet. */
  #generation: number | null = null;

  constructor(options: {
    readonly settings: DatabaseSettings;
    readonly nodeId: string;
    /** The version of this program, X.Y.Z. */
    readonly binary: string;
    readonly clock: Clock;
    readonly observer: Observer;
    readonly health: StoreHealth;
  }) {
    this.#settings = options.settings;
    this.nodeId = options.nodeId;
    this.#binary = options.binary;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#health = options.health;
    this.#notice = new WaitingNotice({ clock: options.clock, observer: options.observer });
  }

  /** Begins to try, and goes on until `stop`. */
  start(): void {
    void this.#acquire();
  }

  /** Whether this process owns every conversation now; else it owns none. */
  get isOwner(): boolean {
    return this.#held && this.#isConfirmed();
  }

  isHeld(_shard: number): boolean {
    return this.isOwner;
  }

  ownerOf(_shard: number): string | null {
    return this.isOwner ? this.nodeId : null;
  }

  #isConfirmed(): boolean {
    return this.#clock.monotonicMs() - this.#confirmedMs < rightLastsMs;
  }

  /** Returns what this process waits for before it owns, in words; null: it owns. */
  get waitsFor(): string | null {
    if (this.isOwner) return null;
    return this.#held ? `the database: ${silent.message}` : this.#waitsFor;
  }

  /** It is not known yet whether another process owns. */
  get isStarting(): boolean {
    return !this.#tried;
  }

  epochOf(shard: number): number {
    return this.#epochs[shard]!;
  }

  async renew(shards: readonly number[]): Promise<ReadonlySet<number>> {
    const client = this.#client;
    if (!this.#held || !client) throw new Error("this process does not hold the lock at present");
    this.#renewals++;
    try {
      this.#remember(await client.query(takeSome, [this.nodeId, shards]));
    } catch (error) {
      this.#health.failed(error);
      if (!isServerError(error)) destroy(client);
      throw error;
    } finally {
      this.#renewals--;
      if (this.#asking) this.#asking.silentTurns = 0;
    }
    return new Set(shards);
  }

  onChange(listener: OwnershipListener): void {
    this.#listeners.push(listener);
  }

  onResumed(listener: () => void): void {
    this.#resumeListeners.push(listener);
  }

  onNewHistory(listener: () => void): void {
    this.#historyListeners.push(listener);
  }

  /** Gives the right up. Ending the session frees the lock. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const client = this.#client;
    this.#client = null;
    this.#change(false);
    await client?.end().catch(() => {});
  }

  async #acquire(): Promise<void> {
    if (this.#acquiring) return;
    this.#acquiring = true;
    while (!this.#stopped && !this.#held) {
      try {
        await this.#tryOnce();
      } catch (error) {
        this.#waitsFor = `the database: ${error instanceof Error ? error.message : String(error)}`;
        this.#health.failed(error);
        this.#giveUpConnection();
      }
      this.#tried = true;
      if (this.#held || this.#stopped) break;
      this.#notice.waits(this.#waitsFor);
      await pause(this.#clock, retryMs);
    }
    this.#acquiring = false;
  }

  async #tryOnce(): Promise<void> {
    const client = this.#client ?? (await this.#open());
    if (this.#stopped) return client.end();
    this.#client = client;
    const askedMs = this.#clock.monotonicMs();
    const isLocked = await tryLock(client);
    this.#health.answered("ping", this.#clock.monotonicMs() - askedMs);
    if (!isLocked) {
      this.#waitsFor = "another process, which owns this database's conversations; this one stands by";
      return;
    }
    const problem = await unfitSchema(client, this.#binary);
    if (problem !== null) {
      this.#waitsFor = `a schema that it can serve on. ${problem}`;
      return;
    }
    this.#remember(await takeShards(client, this.nodeId));
    await this.#checkGeneration(client);
    await this.#ask(client);
    if (this.#client !== client || this.#stopped) return;
    this.#observer.note("ownership_taken", { node: this.nodeId });
    this.#notice.ended();
    this.#watch(client);
  }

  /** After the take-over, so that nobody else moves the heads, and before anything is served from them. */
  async #checkGeneration(client: pg.Client): Promise<void> {
    const { generation, isNew } = await checkGeneration(client, this.#clock.nowUs());
    if (isNew) this.#observer.warn("store_history_changed", { generation });
  }

  #watch(client: pg.Client): void {
    if (this.#watched === client) return;
    this.#watched = client;
    const tick = () => {
      if (this.#client !== client || this.#stopped) return;
      this.#confirmAgain(client);
      this.#clock.after(confirmEveryMs, tick);
    };
    this.#clock.after(confirmEveryMs, tick);
  }

  /**
   * Asks the session again, one question at a time. A renewal may wait for old transactions, and questions wait behind it: nothing is served
   * meanwhile, but the lock is not given away. A session that stays silent is given up; one that answers late, because this process was
   * paused or busy, has held the lock all the time.
   */
  #confirmAgain(client: pg.Client): void {
    const asking = this.#asking?.client === client ? this.#asking : null;
    if (!asking && this.#renewals === 0)
      return void this.#ask(client).catch((error: Error) => this.#giveUp(client, error));
    if (asking) asking.silentTurns++;
    if (this.#isConfirmed() || (asking?.silentTurns ?? 0) < longestSilenceTurns) return;
    this.#lapsed();
    if (this.#renewals === 0) this.#giveUp(client, silent);
  }

  #lapsed(): void {
    this.#waitsFor = `the database: ${silent.message}`;
    if (!this.#held) return;
    this.#observer.warn("ownership_lost", { reason: silent.message });
    this.#change(false);
  }

  #giveUp(client: pg.Client, error: Error): void {
    destroy(client);
    this.#lost(client, error);
  }

  async #ask(client: pg.Client): Promise<void> {
    const askedMs = this.#clock.monotonicMs();
    const asking = { client, silentTurns: 0 };
    this.#asking = asking;
    try {
      const { rows } = await client.query<{ generation: number }>(currentGeneration);
      this.#health.answered("ping", this.#clock.monotonicMs() - askedMs);
      if (this.#client !== client || this.#stopped) return;
      this.#learnGeneration(Number(rows[0]!.generation));
      this.#confirmed(askedMs);
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  /** Nobody else had the lock between the take-over and the moment of the question. */
  #confirmed(askedMs: number): void {
    const wasConfirmed = this.#isConfirmed();
    this.#confirmedMs = Math.max(this.#confirmedMs, askedMs);
    if (!this.#isConfirmed()) return;
    if (this.#held && !wasConfirmed) for (const listener of this.#resumeListeners) listener();
    this.#change(true);
  }

  #learnGeneration(generation: number): void {
    const isAnother = this.#generation !== null && this.#generation !== generation;
    this.#generation = generation;
    if (isAnother) for (const listener of this.#historyListeners) listener();
  }

  /** The next try opens a new connection: one that does not answer may never do so, and one that refuses may lead to a standby. */
  #giveUpConnection(): void {
    const client = this.#client;
    this.#client = null;
    if (client) destroy(client);
  }

  async #open(): Promise<pg.Client> {
    const client: pg.Client = await openClient(this.#settings, "owner", (error) => this.#lost(client, error));
    return client;
  }

  #lost(client: pg.Client, error: Error): void {
    if (this.#client !== client || this.#stopped) return;
    this.#client = null;
    this.#waitsFor = `the database: ${error.message}`;
    const wasHeld = this.#held;
    this.#change(false);
    if (wasHeld) this.#observer.warn("ownership_lost", { reason: error.message });
    void this.#acquire();
  }

  #remember(taken: pg.QueryResult<{ shard: number; epoch: number }>): void {
    for (const { shard, epoch } of taken.rows) this.#epochs[shard] = epoch;
  }

  #change(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    for (const listener of this.#listeners) listener(allShards, held);
  }
}
