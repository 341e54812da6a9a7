import type pg from "pg";
import { type Failure, incidentOf, type Warning } from "../../core/incidents.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { AppendOutcome, Batch, CommitPort } from "../../core/ports/commit.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isServerError } from "./database.ts";
import { type Trouble, troubleOf } from "./troubles.ts";

/** PostgreSQL counts as there for this long after its last answer. The owner and a standby ask at least twice a second. */
const upForMs = 3_000;
/** Without another failure or a write that succeeded, a trouble is over after this time. */
const troubleLastsMs = 30_000;

/**
 * What PostgreSQL's answers say of it. All that goes to the store reports here: a failure becomes an incident, and is
 * remembered for the probe while it keeps writes from being stored.
 */
export class StoreHealth {
  readonly #clock: Clock;
  readonly #observer: Pick<Observer, "warn" | "error" | "storeAnswered">;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #trouble: (Trouble & { readonly atMs: number }) | null = null;

  constructor(options: {
    readonly clock: Clock;
    readonly observer: Pick<Observer, "warn" | "error" | "storeAnswered">;
  }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  get isUp(): boolean {
    return this.#clock.monotonicMs() - this.#answeredMs < upForMs;
  }

  /** It has not answered yet, ever. */
  get isStarting(): boolean {
    return this.#answeredMs === Number.NEGATIVE_INFINITY;
  }

  /** What keeps writes from being stored at present; null: nothing is known of. */
  get trouble(): Trouble | null {
    const trouble = this.#trouble;
    return trouble && this.#clock.monotonicMs() - trouble.atMs < troubleLastsMs ? trouble : null;
  }

  answered(doing: "read" | "ping", tookMs: number): void {
    this.#answeredMs = this.#clock.monotonicMs();
    this.#observer.storeAnswered(doing, tookMs);
  }

  /** A write was stored. */
  stored(): void {
    this.#answeredMs = this.#clock.monotonicMs();
    this.#trouble = null;
  }

  failed(error: unknown): void {
    if (isServerError(error)) this.#answeredMs = this.#clock.monotonicMs();
    const trouble = troubleOf(error);
    if (trouble.stopsWrites) this.#trouble = { ...trouble, atMs: this.#clock.monotonicMs() };
    this.#report(trouble.incident, trouble.reason);
  }

  /** A connection was lost that did nothing at the time. */
  connectionLost(error: Error): void {
    this.#observer.warn("store_connection_lost", { reason: troubleOf(error).reason });
  }

  #report(incident: Trouble["incident"], reason: string): void {
    if (incidentOf(incident).level === "error") this.#observer.error(incident as Failure, { reason });
    else this.#observer.warn(incident as Warning, { reason });
  }

  /** Reads through this pool report here. */
  watching(pool: Pick<pg.Pool, "query">): Pick<pg.Pool, "query"> {
    const query = async (text: pg.QueryConfig) => {
      const startedMs = this.#clock.monotonicMs();
      try {
        const result = await pool.query(text);
        this.answered("read", this.#clock.monotonicMs() - startedMs);
        return result;
      } catch (error) {
        this.failed(error);
        throw error;
      }
    };
    return { query } as Pick<pg.Pool, "query">;
  }
}

/** A lane's writer whose outcomes are reported. */
export class WatchedCommit implements CommitPort {
  readonly #port: CommitPort;
  readonly #health: StoreHealth;

  constructor(options: { readonly port: CommitPort; readonly health: StoreHealth }) {
    this.#port = options.port;
    this.#health = options.health;
  }

  async append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome> {
    const outcome = await this.#port.append(batch, epochOf);
    if (outcome.type === "stored") this.#health.stored();
    else if (outcome.type === "again" || outcome.type === "unknown") this.#health.failed(outcome.error);
    return outcome;
  }
}
