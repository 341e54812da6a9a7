import type pg from "pg";
import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import { type Ownership, shardCount } from "../core/ports/ownership.ts";
import { type DatabaseSettings, destroy, isServerError, openClient } from "./database.ts";
import { takeAll, takeSome } from "./fence.ts";
import { checkGeneration } from "./generation.ts";

/** Spells "whispr" to whoever looks into pg_locks. */
const lockKey = "x'776869737072'::bigint";
const retryMs = 200;

/** SQL: whether some process owns this database's conversations at present. */
export const isOwned = `exists (
  select from pg_locks
  where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::int8 << 32 | objid::int8) = ${lockKey})`;

/**
 * Without a cluster, the right to own is one session advisory lock: who gets it takes every shard at once with new epochs. Its
 * connection is the proof, so every take-over runs on it; when it is lost, so is the right, until the lock is had again. A process that
 * does not get it stands by and tries again five times a second.
 */
export class AdvisoryOwnership implements Ownership {
  readonly #settings: DatabaseSettings;
  readonly #nodeId: string;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #epochs = new Float64Array(shardCount);
  readonly #listeners: ((held: boolean) => void)[] = [];
  #client: pg.Client | null = null;
  #held = false;
  #acquiring = false;
  #stopped = false;
  #waitsFor: string | null = "the database";

  constructor(options: {
    readonly settings: DatabaseSettings;
    readonly nodeId: string;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#settings = options.settings;
    this.#nodeId = options.nodeId;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Begins to try, and goes on until `stop`. */
  start(): void {
    void this.#acquire();
  }

  isHeld(): boolean {
    return this.#held;
  }

  /** What keeps this process from owning, in words; null when it owns. */
  get waitsFor(): string | null {
    return this.#held ? null : this.#waitsFor;
  }

  epochOf(shard: number): number {
    return this.#epochs[shard]!;
  }

  async renew(shards: readonly number[]): Promise<ReadonlySet<number>> {
    const client = this.#client;
    if (!this.#held || !client) throw new Error("this process does not hold the lock at present");
    try {
      this.#remember(await client.query(takeSome, [this.#nodeId, shards]));
    } catch (error) {
      if (!isServerError(error)) destroy(client);
      throw error;
    }
    return new Set(shards);
  }

  onChange(listener: (held: boolean) => void): void {
    this.#listeners.push(listener);
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
        this.#giveUpConnection();
      }
      if (!this.#held) await new Promise<void>((resolve) => this.#clock.after(retryMs, resolve));
    }
    this.#acquiring = false;
  }

  async #tryOnce(): Promise<void> {
    const client = this.#client ?? (await this.#open());
    if (this.#stopped) return client.end();
    this.#client = client;
    const locked = await client.query<{ locked: boolean }>(
      `select pg_try_advisory_lock(${lockKey}) as locked`,
    );
    if (!locked.rows[0]?.locked) {
      this.#waitsFor = "another process, which owns this database's conversations; this one stands by";
      return;
    }
    this.#remember(await client.query(takeAll, [this.#nodeId]));
    await this.#checkGeneration(client);
    if (this.#client !== client || this.#stopped) return;
    this.#observer.note("owns every conversation", { node: this.#nodeId });
    this.#change(true);
  }

  /** After the take-over, so that nobody else moves the heads, and before anything is served from them. */
  async #checkGeneration(client: pg.Client): Promise<void> {
    const { generation, isNew } = await checkGeneration(client, this.#clock.nowUs());
    if (!isNew) return;
    this.#observer.note(
      "the database was restored or promoted: devices that know more than it does start anew",
      {
        generation,
      },
    );
  }

  /** One that does not answer may never do so, one that refuses may lead to a standby: the next try has a new one. */
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
    if (!wasHeld) return;
    this.#observer.note("lost the right to write until the database is back", { reason: error.message });
    void this.#acquire();
  }

  #remember(taken: pg.QueryResult<{ shard: number; epoch: number }>): void {
    for (const { shard, epoch } of taken.rows) this.#epochs[shard] = epoch;
  }

  #change(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    for (const listener of this.#listeners) listener(held);
  }
}
