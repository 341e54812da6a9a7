import { readFileSync } from "node:fs";
import type { ChangesRequest } from "../../core/ports/sync-reads.ts";
import { PostgresCommit } from "../../store/append/append.ts";
import { openPool, ReadPool } from "../../store/connections/database.ts";
import { PostgresSyncReads } from "../../store/reads/sync-reads.ts";
import { PostgresViewerReads } from "../../store/reads/viewer-reads.ts";
import { migrate } from "../../store/schema/migrator.ts";
import { newId } from "../../system.ts";
import { aBatch, aSending } from "../builders/changes.ts";
import { StoredConversation } from "../builders/stored-conversation.ts";
import { startTestPostgres } from "../processes/database.ts";
import { makeHostile } from "../processes/hostile-settings.ts";
import { outsidePool } from "../processes/outside.ts";

/**
 * What the hot statements take on other servers than the embedded one, and on databases with settings of their own, beside the embedded one in
 * the same run: `bun src/testing/costs/server-cost.ts`. Printed for bench/README.md. Takes a minute or more.
 */

const rounds = Number(process.argv[2] ?? 9);
const callsPerRound = 20;
const conversations = 200;
const longLog = 5_000;
const batchRows = 100;

/** What a database is altered to, by name of the column. Null: everything at once. */
const variants: Readonly<Record<string, readonly string[] | null>> = {
  "as installed": [],
  "jit_above_cost=0": ["jit_above_cost = 0", "jit_optimize_above_cost = 0", "jit_inline_above_cost = 0"],
  "array_nulls=off": ["array_nulls = off"],
  "DateStyle=German": ["datestyle = 'German'"],
  "enable_indexscan=off": ["enable_indexscan = off", "enable_bitmapscan = off"],
  "search_path=''": ["search_path = ''"],
  parallel: ["max_parallel_workers_per_gather = 8", "parallel_setup_cost = 0", "parallel_tuple_cost = 0"],
  "work_mem=64kB": ["work_mem = '64kB'"],
  force_custom_plan: ["plan_cache_mode = force_custom_plan"],
  "everything hostile": null,
};

interface Subject {
  readonly name: string;
  /** Nanoseconds of processor that the sessions of this subject had so far. */
  readonly processorNs: () => Promise<number>;
  readonly operations: Readonly<Record<string, () => Promise<unknown>>>;
  readonly close: () => Promise<void>;
}

async function subjectOn(server: string, name: string, changes: readonly string[] | null): Promise<Subject> {
  const database = `cost_${newId().replaceAll("-", "")}`;
  const admin = outsidePool(server, 1);
  await admin.query(`create database ${database}`);
  const url = server.replace(/(@[^/]+\/)\w+/, `$1${database}`);
  await migrate({ url, direction: "up" });
  if (changes === null) await makeHostile(url);
  else for (const change of changes) await admin.query(`alter database ${database} set ${change}`);
  await admin.end();
  const settings = { url, poolSize: 1, connectTimeoutMs: 10_000, statementTimeoutMs: 60_000 };
  const outside = outsidePool(url);
  const pool = openPool(settings, () => {});
  const commit = new PostgresCommit({ settings, onLost: () => {} });
  const sql = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await outside.query<Row & Record<string, unknown>>(text, [...values])).rows as Row[];
  const operations = await operationsOn({ sql }, new ReadPool({ pool }), commit);
  await outside.query("vacuum analyze");
  return {
    name,
    operations,
    async processorNs() {
      const { rows } = await outside.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = current_database() and application_name like 'whispr-msg %'",
      );
      return rows.map(({ pid }) => processorOf(pid)).reduce((sum, each) => sum + each, 0);
    },
    async close() {
      await Promise.all([pool.end(), commit.close(), outside.end()]);
    },
  };
}

type Sql = Parameters<typeof StoredConversation.of>[0];

/** The same data everywhere: a user with many conversations, one of which has a long log and many members. */
async function operationsOn(
  database: Sql,
  pool: ReadPool,
  commit: PostgresCommit,
): Promise<Subject["operations"]> {
  const reads = new PostgresViewerReads({ reads: pool });
  const sync = new PostgresSyncReads({ reads: pool });
  const viewerId = newId();
  const friends = Array.from({ length: 49 }, newId);
  const long = await StoredConversation.of(database, [viewerId, ...friends]);
  await long.fill(friends[0]!, longLog);
  const others: string[] = [];
  for (let count = 1; count < conversations; count++) {
    const each = await StoredConversation.of(database, [viewerId, friends[count % friends.length]!]);
    await each.fill(viewerId, 20);
    others.push(each.id);
  }
  const question = (conversationId: string, since: number, limit: number): ChangesRequest => ({
    conversationId,
    viewerId,
    sinceRev: since,
    sinceSeq: since,
    generation: 1,
    limit,
  });
  const history = {
    type: "read_history",
    viewerId,
    conversationId: long.id,
    after: null,
    limit: 50,
  } as const;
  const middle = { by: "seq", seq: longLog / 2 } as const;
  let seq = 0;
  const writer = await StoredConversation.of(database, [viewerId, friends[0]!]);
  return {
    "join of a conversation with a cursor": () =>
      sync.joinFacts(
        [{ viewerId, conversationId: long.id, since: { seq: longLog, rev: longLog, generation: 1 } }],
        [],
      ),
    "join of a user": () => sync.joinFacts([], [{ viewerId, deviceId: "phone" }]),
    "difference with nothing new": () => sync.changes([question(long.id, longLog, 100)]),
    "difference of 100": () => sync.changes([question(long.id, longLog / 2, 100)]),
    "backlog page of 50 conversations": () =>
      sync.changes(others.slice(0, 50).map((id) => question(id, 10, 100))),
    "history of 50": () => reads.readHistory({ ...history, before: middle }),
    "list of 50": () =>
      reads.listConversations({ type: "list_conversations", viewerId, limit: 50, offset: 0 }),
    [`append of ${batchRows}`]: () => {
      const changes = Array.from({ length: batchRows }, () => aSending(writer.id, ++seq));
      return commit
        .append(aBatch({ changes }), () => 0)
        .then(({ type }) => {
          if (type !== "stored") throw new Error(type);
        });
    },
  };
}

/** The servers run on this machine. */
function processorOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** What one call takes of PostgreSQL's processor: others on the machine make it wait, but hardly cost more. */
async function processorMsOf(subject: Subject, operation: string): Promise<number> {
  const call = subject.operations[operation]!;
  // Its connection may have been idle for too long: another one is made and plans anew.
  await call();
  const before = await subject.processorNs();
  for (let count = 0; count < callsPerRound; count++) await call();
  return ((await subject.processorNs()) - before) / 1e6 / callsPerRound;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

async function main(): Promise<void> {
  const [embedded, stock] = [await startTestPostgres("embedded"), await startTestPostgres("stock")];
  const subjects = [await subjectOn(embedded.url, "embedded", [])];
  for (const [name, changes] of Object.entries(variants))
    subjects.push(await subjectOn(stock.url, name, changes));
  const first = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  const times = new Map<string, number[]>();
  for (const operation of Object.keys(subjects[0]!.operations)) {
    for (const { name, operations } of subjects) first.get(name)!.push(await tookMs(operations[operation]!));
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) {
        const key = `${operation}|${subject.name}`;
        times.set(key, [...(times.get(key) ?? []), await processorMsOf(subject, operation)]);
      }
    }
  }
  print(subjects, times, first);
  await Promise.all(subjects.map((subject) => subject.close()));
  await Promise.all([embedded.close(), stock.close()]);
}

/** The embedded one in milliseconds of processor, the others as the median of their ratios to it, round by round. */
function print(
  subjects: readonly Subject[],
  times: ReadonlyMap<string, readonly number[]>,
  first: ReadonlyMap<string, readonly number[]>,
): void {
  const names = subjects.map(({ name }) => name);
  console.log(`| | ${names.join(" | ")} |\n|${"---|".repeat(names.length + 1)}`);
  const operations = Object.keys(subjects[0]!.operations);
  for (const operation of operations) {
    const base = times.get(`${operation}|embedded`)!;
    const cells = names.map((name) => {
      const own = times.get(`${operation}|${name}`)!;
      if (name === "embedded") return `${median(own).toFixed(2)} ms`;
      return `${Math.round(100 * median(own.map((each, round) => each / base[round]!)))} %`;
    });
    console.log(`| ${operation} | ${cells.join(" | ")} |`);
  }
  const slowest = names.map((name) => `${Math.max(...first.get(name)!).toFixed(0)} ms`);
  console.log(`| slowest first call of a connection | ${slowest.join(" | ")} |`);
}

await main();
process.exit(0);
