import { afterEach, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { eventually } from "../../testing/eventually.ts";
import { paced } from "../../testing/pace.ts";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { migrations } from "./migrations.ts";
import { type MigrateOptions, migrate, migrationReport, migrationStatus } from "./migrator.ts";

/** Nobody may wait longer than this for a table that a migration is after, on an idle machine. A lock that is not short costs five seconds. */
const longestWaitMs = 1_000;

let database: TestDatabase;
let clients: pg.Client[];
const url = () => database.url;

beforeEach(async () => {
  database = await testDatabase();
  clients = [];
  await migrate({ url: url(), direction: "up", to: 1 });
}, 120_000);
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database.close();
});

async function connect(name = "a test"): Promise<pg.Client> {
  const client = await outsideClient(url(), name);
  client.on("error", () => {});
  clients.push(client);
  return client;
}

const insertMessages = `
insert into messages (id, conversation_id, seq, rev, sender_id, message_type, content, metadata, sent_at)
select gen_random_uuid(), c.id, n, n, gen_random_uuid(), 0, 'text', '{}', now() from conversations c, generate_series($1::int, $2::int) n`;

async function fill(messages: number): Promise<void> {
  const client = await connect();
  await client.query(
    "insert into conversations (id, type, created_at, updated_at) select gen_random_uuid(), 'group', now(), now() from generate_series(1, 20)",
  );
  await client.query(
    "insert into conversation_heads (conversation_id, seq, rev) select id, 0, 0 from conversations",
  );
  await client.query(insertMessages, [1, messages / 20]);
}

/** Reads and writes what a migration locks, one after the other, until it is stopped: the longest time that one took. */
async function traffic(): Promise<{ stop: () => Promise<number> }> {
  let isOver = false;
  const statements = [
    "select count(*) from (select from messages limit 10) found",
    "update conversation_heads set seq = seq where conversation_id = (select id from conversations limit 1)",
    "select count(*) from conversation_members",
    "update messages set metadata = metadata where (conversation_id, seq) = (select id, 1 from conversations limit 1)",
  ];
  const runs = statements.map(async (statement) => {
    const client = await connect();
    let longestMs = 0;
    while (!isOver) {
      const startedMs = performance.now();
      await client.query(statement);
      longestMs = Math.max(longestMs, performance.now() - startedMs);
    }
    return longestMs;
  });
  return {
    stop: async () => {
      isOver = true;
      return Math.max(...(await Promise.all(runs)));
    },
  };
}

function up(more: Partial<MigrateOptions> = {}) {
  return migrate({ url: url(), direction: "up", ...more });
}

async function pending(): Promise<number> {
  return (await migrationStatus({ url: url() })).filter(({ appliedAt }) => appliedAt === null).length;
}

test("a dump under way holds a migration up, and nobody else: others read and write as before", async () => {
  await fill(2_000);
  const dump = await connect("pg_dump");
  await dump.query("begin isolation level repeatable read read only");
  await dump.query("select count(*) from messages");
  await dump.query("select count(*) from conversation_heads, conversation_members");
  const said: string[] = [];
  const others = await traffic();
  const migrated = up({ onProgress: (text) => said.push(text) });
  await eventually("it has tried several times", async () => {
    const { rows } = await dump.query("select clock_timestamp() - now() > interval '4 s' as enough");
    return rows[0].enough;
  });
  expect(await pending()).toBe(migrations.length - 1);
  expect(said.join("\n")).toContain("2_sync goes through about");
  await dump.query("commit");
  await migrated;
  expect(await others.stop()).toBeLessThan(paced(longestWaitMs, 2));
  expect(await pending()).toBe(0);
}, 180_000);

test("a migration says whom it waits for", async () => {
  await fill(20);
  const dump = await connect("pg_dump");
  await dump.query("begin");
  await dump.query("select from messages");
  await expect(up({ lockMs: 1_500 })).rejects.toThrow(
    /messages could not be locked within 2 s, which others have: pg_dump \(pid \d+, \d+ s/,
  );
  await dump.query("commit");
  await up();
}, 120_000);

test("a table with rows is written again in short transactions, to the same schema, and nothing that is written meanwhile is missed", async () => {
  await fill(20_000);
  const writer = await connect();
  let isOver = false;
  const writing = (async () => {
    for (let n = 5_000; !isOver; n++) {
      const { code } = await writer.query(insertMessages, [n, n]).then(
        () => ({ code: null }),
        (error: pg.DatabaseError) => error,
      );
      // From a point on the step demands what the old binary does not write.
      if (code) return expect(code).toBe("23514");
    }
  })();
  await up();
  isOver = true;
  await writing;
  const { rows } = await writer.query(
    "select count(*)::int as all, count(created_rev)::int as known from messages",
  );
  expect(rows[0].all).toBeGreaterThanOrEqual(20_000);
  expect(rows[0].known).toBe(rows[0].all);
  expect(await shape(writer)).toEqual(await shapeOfEmpty());
}, 180_000);

test("a migration that was cut short goes on where it stopped", async () => {
  await fill(2_000);
  const killer = await connect();
  const kill =
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'whispr-msg migrate' and datname = current_database()";
  const reader = await connect();
  // Only the last stage needs this table: it is not over before it is cut short.
  await reader.query("begin; lock table conversation_heads in access share mode");
  for (const stage of [2, 4, 6, 7, 8]) {
    const isReached = (text: string) => Number(/stage (\d+) of/.exec(text)?.[1]) >= stage;
    const begins = (text: string) => void (isReached(text) && killer.query(kill));
    const cut = await up({ onProgress: begins }).catch((error: unknown) => error);
    expect(cut).toBeInstanceOf(Error);
    expect(await pending()).toBe(migrations.length - 1);
  }
  await reader.query("rollback");
  const said: string[] = [];
  await up({ onProgress: (text) => said.push(text) });
  expect(said.join("\n")).not.toContain("2_sync: stage 1 of");
  expect(await pending()).toBe(0);
  expect(await shape(killer)).toEqual(await shapeOfEmpty());
}, 180_000);

test("what will take long is said before it begins, with how many rows", async () => {
  await fill(2_000);
  const client = await connect();
  await client.query("analyze messages");
  expect((await migrationReport({ url: url() })).long).toEqual([
    expect.stringContaining("2_sync goes through about 2,000 rows of messages"),
    expect.stringContaining("7_group_owners goes through about"),
  ]);
  await up();
  expect((await migrationReport({ url: url() })).long).toEqual([]);
}, 120_000);

const shapeQuery = `
select 'column' as kind, table_name || '.' || column_name as name, data_type || is_nullable || coalesce(column_default, '') as what
from information_schema.columns where table_schema = 'public'
union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'not valid', indexrelid::regclass::text, '' from pg_index where not indisvalid
union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
order by 1, 2, 3`;

async function shape(client: pg.Client): Promise<unknown[]> {
  return (await client.query(shapeQuery)).rows;
}

async function shapeOfEmpty(): Promise<unknown[]> {
  const empty = await testDatabase();
  await migrate({ url: empty.url, direction: "up" });
  const client = await outsideClient(empty.url);
  const found = await shape(client);
  await client.end();
  await empty.close();
  return found;
}
