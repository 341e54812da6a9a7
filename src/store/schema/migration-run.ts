import type pg from "pg";
import { stagesDone, stagesTable } from "./migration-history.ts";
import { type Stage, stagesOf, statementsOf, tablesIn } from "./migration-stages.ts";
import type { Migration } from "./migrations.ts";
import { withShortLocks } from "./short-locks.ts";

/** 4 MB of a table at a time: some ten thousand messages, a fraction of a second. */
const batchBlocks = 512;
const progressEveryMs = 5_000;
const defaultLockMs = 10 * 60_000;

export interface RunOptions {
  /** Hears what is under way, in words: what is waited for, and how far a long stage is. */
  readonly onProgress?: (text: string) => void;
  /** How long locks may be tried for. */
  readonly lockMs?: number;
}

/** Takes one step up or down. A step with stages goes on after the last one that was done. */
export class StepRun {
  readonly #client: pg.Client;
  readonly #step: Migration;
  readonly #options: RunOptions;
  #lastProgressMs = Number.NEGATIVE_INFINITY;

  constructor(client: pg.Client, step: Migration, options: RunOptions) {
    this.#client = client;
    this.#step = step;
    this.#options = options;
  }

  /** Stages down may be done again, so that no record is kept of them: cut short, the step is still there and begins anew. */
  async down(): Promise<void> {
    const found = stagesOf(this.#step.down);
    const stages = found.length > 0 ? found : [nothingToDo];
    for (const [at, stage] of stages.entries()) {
      if (stages.length > 1) this.#say(`stage ${at + 1} of ${stages.length} begins`);
      await this.#take(stage, async () => {
        if (at === stages.length - 1) await this.#forget();
      });
    }
  }

  async #forget(): Promise<void> {
    await this.#client.query("delete from schema_migrations where version = $1", [this.#step.version]);
  }

  async up(): Promise<void> {
    const stages = stagesOf(this.#step.up);
    if ((await this.#done()) === 0 && !(await this.#isLong(stages))) return this.#atOnce(stages);
    await this.#client.query(
      `create table if not exists ${stagesTable} (version integer primary key, done integer not null)`,
    );
    for (let at = await this.#done(); at < stages.length; at++) {
      const isLast = at === stages.length - 1;
      this.#say(`stage ${at + 1} of ${stages.length} begins`);
      await this.#take(stages[at]!, () => (isLast ? this.#record() : this.#remember(at + 1)));
    }
  }

  async #atOnce(stages: readonly Stage[]): Promise<void> {
    await this.#locked(this.#step.up, async () => {
      for (const stage of stages) await this.#inTransaction(stage);
      await this.#record();
    });
  }

  /** In a transaction nothing is concurrent, and a batch is the whole. */
  async #inTransaction(stage: Stage): Promise<void> {
    for (const sql of await this.#expanded(stage)) {
      await this.#client.query(
        sql.replaceAll(/\bindex concurrently\b/gi, "index").replaceAll(":range", "true"),
      );
    }
  }

  async #expanded(stage: Stage): Promise<readonly string[]> {
    if (stage.type === "short") return [stage.sql];
    if (stage.type === "batches") return [stage.sql.replaceAll(":table", stage.table)];
    if (stage.partitionsOf === null) return statementsOf(stage.sql);
    const partitions = await this.#leavesOf(stage.partitionsOf);
    return partitions.flatMap((partition) => statementsOf(stage.sql.replaceAll(":partition", partition)));
  }

  /** A short stage is finished in its own transaction. */
  async #take(stage: Stage, finish: () => Promise<void>): Promise<void> {
    if (stage.type === "short") {
      return this.#locked(stage.sql, async () => {
        await this.#client.query(stage.sql);
        await finish();
      });
    }
    if (stage.type === "batches") await this.#inBatches(stage);
    else for (const sql of await this.#expanded(stage)) await this.#concurrently(sql);
    await finish();
  }

  async #inBatches(stage: Extract<Stage, { type: "batches" }>): Promise<void> {
    for (const leaf of await this.#leavesOf(stage.table)) {
      const { rows } = await this.#client.query<{ blocks: number }>(
        "select (pg_relation_size($1::regclass) / current_setting('block_size')::int)::int as blocks",
        [leaf],
      );
      const blocks = rows[0]!.blocks;
      for (let from = 0; from < blocks; from += batchBlocks) {
        const range = `ctid >= '(${from},0)' and ctid < '(${from + batchBlocks},0)'`;
        await this.#client.query(stage.sql.replaceAll(":table", leaf).replaceAll(":range", range));
        this.#sayNowAndThen(
          `${leaf}: ${Math.round((100 * Math.min(from + batchBlocks, blocks)) / blocks)} %`,
        );
      }
    }
  }

  /** An index that was cut short is there and not valid: it is made anew. */
  async #concurrently(sql: string): Promise<void> {
    const index = /index concurrently if not exists (\w+)/i.exec(sql)?.[1];
    this.#sayNowAndThen(index ? `makes ${index}` : sql);
    if (index) {
      const { rows } = await this.#client.query(
        "select from pg_index where indexrelid = to_regclass($1) and not indisvalid",
        [index],
      );
      if (rows.length > 0) await this.#client.query(`drop index concurrently ${index}`);
    }
    await this.#client.query(sql);
  }

  /** The tables that hold rows: its partitions, or itself. */
  async #leavesOf(table: string): Promise<readonly string[]> {
    const { rows } = await this.#client.query<{ name: string }>(
      `select relid::regclass::text as name from pg_partition_tree($1::regclass) where isleaf
       order by length(relid::regclass::text), 1`,
      [table],
    );
    return rows.length > 0 ? rows.map(({ name }) => name) : [table];
  }

  /** Whether a table that a stage goes through has rows. */
  async #isLong(stages: readonly Stage[]): Promise<boolean> {
    for (const table of longTablesOf(stages)) {
      const { rows } = await this.#client.query(`select from ${table} limit 1`);
      if (rows.length > 0) return true;
    }
    return false;
  }

  async #locked(sql: string, work: () => Promise<void>): Promise<void> {
    const { lockMs = defaultLockMs } = this.#options;
    const onWait = (text: string) => this.#sayNowAndThen(text);
    await withShortLocks(this.#client, { tables: tablesIn(sql), withinMs: lockMs, onWait }, work);
  }

  #done(): Promise<number> {
    return stagesDone(this.#client, this.#step.version);
  }

  async #remember(done: number): Promise<void> {
    await this.#client.query(
      `insert into ${stagesTable} (version, done) values ($1, $2) on conflict (version) do update set done = excluded.done`,
      [this.#step.version, done],
    );
  }

  async #record(): Promise<void> {
    const { version, name, oldestBinary } = this.#step;
    await this.#client.query(
      "insert into schema_migrations (version, name, oldest_binary) values ($1, $2, $3)",
      [version, name, oldestBinary],
    );
    await this.#client.query(`drop table if exists ${stagesTable}`);
  }

  #say(text: string): void {
    this.#lastProgressMs = performance.now();
    this.#options.onProgress?.(`${this.#step.version}_${this.#step.name}: ${text}`);
  }

  #sayNowAndThen(text: string): void {
    if (performance.now() - this.#lastProgressMs >= progressEveryMs) this.#say(text);
  }
}

const nothingToDo: Stage = { type: "short", sql: "" };

function longTablesOf(stages: readonly Stage[]): readonly string[] {
  return [...new Set(stages.flatMap((stage) => (stage.type === "batches" ? [stage.table] : [])))];
}

export interface LongPart {
  readonly table: string;
  /** As the server's statistics, or the size of its files, say. */
  readonly rows: number;
}

/** What a step writes again, before it begins; none: it takes milliseconds. */
export async function longPartsOf(client: pg.ClientBase, step: Migration): Promise<readonly LongPart[]> {
  const found: LongPart[] = [];
  for (const table of longTablesOf(stagesOf(step.up))) {
    const { rows } = await client.query<{ rows: number }>(
      `select coalesce(sum(case when reltuples >= 0 then reltuples else pg_relation_size(oid) / 300 end), 0)::float8 as rows
       from pg_class where oid in (select relid from pg_partition_tree(to_regclass($1)) where isleaf union select to_regclass($1))
         and relkind = 'r'`,
      [table],
    );
    if (rows[0]!.rows > 0) found.push({ table, rows: Math.round(rows[0]!.rows) });
  }
  return found;
}
