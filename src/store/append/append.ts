import type pg from "pg";
import type { AppendOutcome, Batch, CommitPort } from "../../core/ports/commit.ts";
import { type DatabaseSettings, destroy, isServerError, openClient } from "../connections/database.ts";
import { type Rows, sorted } from "./batch.ts";
import { markedOf } from "./marks.ts";
import { queryOf } from "./statement.ts";
import { untaggedUntilUs } from "./untagged-keys.ts";

/** Writes the batches of a lane over one connection of its own. Opens it again after it was lost. */
export class PostgresCommit implements CommitPort {
  readonly #settings: DatabaseSettings;
  readonly #onLost: (error: Error) => void;
  #client: pg.Client | null = null;
  /** Read with each new connection. */
  #untaggedUntilUs = Number.POSITIVE_INFINITY;

  constructor(options: { readonly settings: DatabaseSettings; readonly onLost: (error: Error) => void }) {
    this.#settings = options.settings;
    this.#onLost = options.onLost;
  }

  async append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome> {
    const rows = sorted(batch);
    let client: pg.Client;
    try {
      client = this.#client ?? (await this.#open());
      this.#client = client;
    } catch (error) {
      return { type: "again", error };
    }
    try {
      const query = queryOf(rows, batch, { epochOf, untaggedUntilUs: this.#untaggedUntilUs });
      const result = await client.query<AppendRow>(query);
      return outcomeOf(result.rows[0]!, rows, batch);
    } catch (error) {
      const outcome = failureOf(error);
      if (outcome.type !== "refused") this.#drop(client);
      return outcome;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #open(): Promise<pg.Client> {
    const client: pg.Client = await openClient(this.#settings, "lane", (error) => {
      if (this.#client !== client) return;
      this.#client = null;
      this.#onLost(error);
    });
    try {
      this.#untaggedUntilUs = await untaggedUntilUs(client);
    } catch (error) {
      destroy(client);
      throw error;
    }
    return client;
  }

  /** Closes a connection that failed, also a read-only one: after a failover it may lead to a standby. */
  #drop(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
    destroy(client);
  }
}

interface AppendRow {
  readonly held: readonly number[] | null;
  readonly moved: readonly string[] | null;
  /** Only of batches with marks. */
  readonly marked?: string | null;
}

function outcomeOf({ held, moved, marked = null }: AppendRow, rows: Rows, batch: Batch): AppendOutcome {
  if (held) return { type: "fenced", shards: without(rows.shards, held) };
  const ids = moved
    ? new Set(
        without(
          rows.heads.map((head) => head.conversationId),
          moved,
        ),
      )
    : none;
  return { type: "stored", moved: ids, marked: markedOf(marked, { rows, batch, moved: ids }) };
}

const none: ReadonlySet<string> = new Set();

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  const gone = new Set(some);
  return all.filter((each) => !gone.has(each));
}

/** SQLSTATE classes 22 and 23 are about the data. A server that goes away (57P, 08, FATAL) leaves the outcome open. */
function failureOf(error: unknown): Exclude<AppendOutcome, { type: "stored" | "fenced" }> {
  if (!isServerError(error)) return { type: "unknown", error };
  const { code = "", constraint } = error;
  if (code === "23505" && constraint?.includes("dedup_key"))
    return { type: "refused", cause: "duplicate_key", error: withoutContent(error) };
  if (code.startsWith("22") || code.startsWith("23"))
    return { type: "refused", cause: "data", error: withoutContent(error) };
  return { type: "again", error };
}

/** Drops PostgreSQL's `detail`: it shows the row, and with it the content of a message. */
function withoutContent({ code, message }: pg.DatabaseError): Error {
  return new Error(`${code}: ${message}`);
}
