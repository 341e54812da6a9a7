import type pg from "pg";
import { withClient } from "./database.ts";
import { type Migration, migrations } from "./migrations.ts";

/** Spells "migrate" to whoever looks into pg_locks. */
const lockKey = "x'6d696772617465'::bigint";
const lockTimeout = "5s";

const historyTable = `
create table if not exists schema_migrations (
  version integer primary key, name text not null, oldest_binary text not null, applied_at timestamptz not null default now())`;

export interface Applied {
  readonly version: number;
  readonly name: string;
  readonly direction: "up" | "down";
  readonly tookMs: number;
}

export interface MigrationState {
  readonly version: number;
  readonly name: string;
  /** ISO 8601, null while pending. */
  readonly appliedAt: string | null;
  /** Whether this binary carries the step. */
  readonly isKnown: boolean;
  readonly oldestBinary: string;
}

/** A schema that this binary must not touch or cannot reach; the text says what to do. */
export class MigrationRefusal extends Error {}

/**
 * Applies what is pending, or takes steps back down to `to` (exclusive; by default the newest one only). Each step is one transaction. One process
 * at a time: others wait for an advisory lock, so two nodes may start at once.
 */
export async function migrate(options: {
  readonly url: string;
  readonly direction: "up" | "down";
  /** The version to end at. */
  readonly to?: number;
  readonly onStep?: (migration: Migration) => void;
}): Promise<readonly Applied[]> {
  return withLockedClient(options.url, async (client) => {
    await client.query(historyTable);
    const applied = await readHistory(client);
    const steps = options.direction === "up" ? stepsUp(applied, options.to) : stepsDown(applied, options.to);
    const done: Applied[] = [];
    for (const step of steps) {
      options.onStep?.(step);
      done.push(await take(client, step, options.direction));
    }
    return done;
  });
}

/** Every step that this binary or the database knows, oldest first. */
export async function migrationStatus(options: { readonly url: string }): Promise<readonly MigrationState[]> {
  return withConnection(options.url, async (client) => {
    const applied = new Map((await readHistoryIfAny(client)).map((row) => [row.version, row]));
    const known = migrations.map((each) => toState(each, applied.get(each.version)));
    const unknown = [...applied.values()]
      .filter((row) => !migrations.some((each) => each.version === row.version))
      .map((row) => ({ ...stateOf(row), isKnown: false }));
    return [...known, ...unknown];
  });
}

/** Throws a `MigrationRefusal` unless this binary can serve on the schema as it is. `binary` is its version, X.Y.Z. */
export async function checkSchema(options: { readonly url: string; readonly binary: string }): Promise<void> {
  const states = await migrationStatus(options);
  const pending = states.filter((state) => state.appliedAt === null);
  if (pending.length > 0) {
    throw new MigrationRefusal(
      `The database lacks ${pending.length} migration(s), from ${pending[0]!.version}_${pending[0]!.name}. Run \`whispr-msg migrate up\`, or set WHISPR_AUTO_MIGRATE=1.`,
    );
  }
  const newer = states.find((state) => !state.isKnown && isOlder(options.binary, state.oldestBinary));
  if (!newer) return;
  throw new MigrationRefusal(
    `The database has migration ${newer.version}_${newer.name}, which needs whispr-msg ${newer.oldestBinary} or newer; this is ${options.binary}. Run a newer one, or take the step back with it (\`whispr-msg migrate down\`).`,
  );
}

interface HistoryRow {
  readonly version: number;
  readonly name: string;
  readonly oldest_binary: string;
  /** ISO 8601, in UTC. */
  readonly applied_at: string;
}

function stepsUp(applied: readonly HistoryRow[], to = Number.POSITIVE_INFINITY): readonly Migration[] {
  const done = new Set(applied.map((row) => row.version));
  return migrations.filter((each) => !done.has(each.version) && each.version <= to);
}

function stepsDown(applied: readonly HistoryRow[], to?: number): readonly Migration[] {
  const newestFirst = applied.map((row) => row.version).sort((one, other) => other - one);
  const target = to ?? (newestFirst[0] ?? 0) - 1;
  return newestFirst.filter((version) => version > target).map(knownStep);
}

function knownStep(version: number): Migration {
  const step = migrations.find((each) => each.version === version);
  if (step) return step;
  throw new MigrationRefusal(
    `The database has migration ${version}, which this binary does not carry: take it back with the newer whispr-msg that made it.`,
  );
}

async function take(client: pg.Client, step: Migration, direction: "up" | "down"): Promise<Applied> {
  const startedMs = performance.now();
  await client.query("begin");
  try {
    await client.query(`set local lock_timeout = '${lockTimeout}'; set local enable_seqscan = on`);
    await client.query(direction === "up" ? step.up : step.down);
    if (direction === "up")
      await client.query("insert into schema_migrations (version, name, oldest_binary) values ($1, $2, $3)", [
        step.version,
        step.name,
        step.oldestBinary,
      ]);
    else await client.query("delete from schema_migrations where version = $1", [step.version]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
  return { version: step.version, name: step.name, direction, tookMs: performance.now() - startedMs };
}

async function readHistory(client: pg.Client): Promise<readonly HistoryRow[]> {
  const { rows } = await client.query<HistoryRow>(
    `select version, name, oldest_binary, to_char(applied_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as applied_at
     from schema_migrations order by version`,
  );
  return rows;
}

async function readHistoryIfAny(client: pg.Client): Promise<readonly HistoryRow[]> {
  const { rows } = await client.query("select to_regclass('schema_migrations') as found");
  return rows[0].found === null ? [] : readHistory(client);
}

async function withLockedClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return withConnection(url, async (client) => {
    await client.query(`select pg_advisory_lock(${lockKey})`);
    return work(client);
  });
}

/** Without a time: a step, or another process with the lock, takes as long as it takes. */
function withConnection<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return withClient({ url, connectTimeoutMs: 10_000, statementTimeoutMs: 0 }, "migrate", work);
}

function toState(migration: Migration, row: HistoryRow | undefined): MigrationState {
  return row
    ? { ...stateOf(row), isKnown: true }
    : {
        version: migration.version,
        name: migration.name,
        appliedAt: null,
        isKnown: true,
        oldestBinary: migration.oldestBinary,
      };
}

function stateOf(row: HistoryRow): Omit<MigrationState, "isKnown"> {
  return {
    version: row.version,
    name: row.name,
    appliedAt: row.applied_at,
    oldestBinary: row.oldest_binary,
  };
}

function isOlder(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) => version.split(".").map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (a![part] ?? 0) - (b![part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
