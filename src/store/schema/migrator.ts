import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { withClient } from "../connections/database.ts";
import { otherProcesses, takeOwnerLock } from "../ownership/other-processes.ts";
import {
  type HistoryRow,
  MigrationRefusal,
  makeHistory,
  readHistory,
  refuseTakenNames,
} from "./migration-history.ts";
import { type Loss, lossesOf } from "./migration-losses.ts";
import { type LongPart, longPartsOf, type RunOptions, StepRun } from "./migration-run.ts";
import { type Migration, migrations } from "./migrations.ts";
import { refuseServer } from "./store-checks.ts";

/** Spells "migrate" in pg_locks. */
const lockKey = "x'6d696772617465'::bigint";
const lockPollMs = 200;

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

export { MigrationRefusal };

export interface MigrateOptions extends RunOptions {
  readonly url: string;
  readonly direction: "up" | "down";
  /** The version to end at. */
  readonly to?: number;
  readonly onStep?: (migration: Migration) => void;
}

/**
 * Applies what is pending, or takes steps back down to `to` (exclusive; by default the newest one only). A step is one transaction, or
 * several stages where a table with rows is written again. One process at a time: others wait, so two nodes may start at once. Rejects
 * with a refusal before anything is changed when the server or the database is none for whispr-msg, and when it goes down with
 * `DatabaseInUse` while another process serves on it or stands by.
 */
export async function migrate(options: MigrateOptions): Promise<readonly Applied[]> {
  return withLockedClient(options, async (client) => {
    await refuseServer(client, "to be written");
    const applied = await readHistory(client);
    const isUp = options.direction === "up";
    const steps = isUp ? stepsUp(applied, options.to) : stepsDown(applied, options.to);
    if (!isUp && steps.length > 0) await takeOwnerLock(client);
    if (isUp && steps.length > 0) await prepare(client, steps, options);
    const done: Applied[] = [];
    for (const step of steps) {
      options.onStep?.(step);
      done.push(await take(client, step, options));
    }
    return done;
  });
}

async function prepare(
  client: pg.Client,
  steps: readonly Migration[],
  { onProgress }: RunOptions,
): Promise<void> {
  await refuseTakenNames(client, steps);
  for (const text of await longTexts(client, steps)) onProgress?.(text);
  await makeHistory(client);
}

/** What `migrate` down would do. */
export interface DownPlan {
  /** In the order in which they are taken back. */
  readonly steps: readonly Pick<Migration, "version" | "name">[];
  readonly losses: readonly Loss[];
  /** What users notice of it beside that. */
  readonly consequences: readonly string[];
  /** The other whispr-msg processes that are connected, in words. `migrate` down is refused while there are any. */
  readonly others: readonly string[];
}

/** Returns what `migrate` down to `to` would destroy, and changes nothing. */
export async function planDown(options: { readonly url: string; readonly to?: number }): Promise<DownPlan> {
  return withConnection(options.url, async (client) => {
    await refuseServer(client, "to be read");
    await client.query("set enable_seqscan = on");
    const steps = stepsDown(await readHistory(client), options.to);
    const losses = await lossesOf(client, steps);
    return {
      steps: steps.map(({ version, name }) => ({ version, name })),
      losses,
      consequences: steps.flatMap(({ consequences }) => consequences),
      others: await otherProcesses(client),
    };
  });
}

/** What will take long, before it begins: others read and write meanwhile. */
function longText({ version, name }: Migration, parts: readonly LongPart[]): string {
  const rows = parts.map(({ table, rows }) => `about ${rows.toLocaleString("en")} rows of ${table}`);
  return `${version}_${name} goes through ${rows.join(", ")}, a few at a time; a backup before it is wise`;
}

export interface MigrationReport {
  /** Every step that this binary or the database knows, oldest first. */
  readonly states: readonly MigrationState[];
  /** In words, which pending steps will take long. */
  readonly long: readonly string[];
}

export async function migrationReport(options: { readonly url: string }): Promise<MigrationReport> {
  return withConnection(options.url, async (client) => {
    await refuseServer(client, "to be read");
    const applied = await readHistory(client);
    return { states: statesOf(applied), long: await longTexts(client, stepsUp(applied)) };
  });
}

/** Every step that this binary or the database knows, oldest first. */
export async function migrationStatus(options: { readonly url: string }): Promise<readonly MigrationState[]> {
  return (await migrationReport(options)).states;
}

function statesOf(history: readonly HistoryRow[]): readonly MigrationState[] {
  const applied = new Map(history.map((row) => [row.version, row]));
  const known = migrations.map((each) => toState(each, applied.get(each.version)));
  const unknown = history
    .filter((row) => !migrations.some((each) => each.version === row.version))
    .map((row) => ({ ...stateOf(row), isKnown: false }));
  return [...known, ...unknown];
}

async function longTexts(client: pg.Client, steps: readonly Migration[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const step of steps) {
    const parts = await longPartsOf(client, step);
    if (parts.length > 0) found.push(longText(step, parts));
  }
  return found;
}

/** Throws a `MigrationRefusal` unless this binary can serve on the schema as it is. `binary` is its version, X.Y.Z. */
export async function checkSchema(options: { readonly url: string; readonly binary: string }): Promise<void> {
  const problem = problemOf(await migrationStatus(options), options.binary);
  if (problem) throw new MigrationRefusal(problem);
}

/** Why this binary must not serve on the schema as it is at this moment; null: it may. */
export async function schemaProblem(client: pg.ClientBase, binary: string): Promise<string | null> {
  return problemOf(statesOf(await readHistory(client)), binary);
}

function problemOf(states: readonly MigrationState[], binary: string): string | null {
  const pending = states.filter((state) => state.appliedAt === null);
  if (pending.length > 0)
    return `The database lacks ${pending.length} migration(s), from ${pending[0]!.version}_${pending[0]!.name}. Run \`whispr-msg migrate up\`, or set WHISPR_AUTO_MIGRATE=1.`;
  const newer = states.find((state) => !state.isKnown && isOlder(binary, state.oldestBinary));
  if (!newer) return null;
  return `The database has migration ${newer.version}_${newer.name}, which needs whispr-msg ${newer.oldestBinary} or newer; this is ${binary}. Run whispr-msg ${newer.oldestBinary} or newer.`;
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

async function take(client: pg.Client, step: Migration, options: MigrateOptions): Promise<Applied> {
  const { direction } = options;
  const startedMs = performance.now();
  const run = new StepRun(client, step, options);
  await (direction === "up" ? run.up() : run.down());
  return { version: step.version, name: step.name, direction, tookMs: performance.now() - startedMs };
}

/** The lock is polled for: whoever waited within a statement would hold up the indexes that are made concurrently. */
async function withLockedClient<T>(
  { url, onProgress }: MigrateOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withConnection(url, async (client) => {
    for (let polls = 0; !(await isLocked(client)); polls++) {
      if (polls === 1) onProgress?.("another process migrates this database: waits for it");
      await delay(lockPollMs);
    }
    await client.query("set enable_seqscan = on");
    return work(client);
  });
}

async function isLocked(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_lock(${lockKey}) as locked`,
  );
  return rows[0]!.locked;
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
