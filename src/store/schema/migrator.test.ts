import { afterEach, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { migrations } from "./migrations.ts";
import { checkSchema, MigrationRefusal, migrate, migrationStatus } from "./migrator.ts";

let database: TestDatabase;
let client: pg.Client;
let url: string;

beforeEach(async () => {
  database = await testDatabase();
  url = database.url;
  client = await outsideClient(url);
}, 120_000);
afterEach(async () => {
  await client.end();
  await database.close();
});

/** Everything that the migrations made, in a form that can be compared. */
async function shape(): Promise<unknown[]> {
  const { rows } = await client.query(`
    select 'column' as kind, table_name || '.' || column_name as name, data_type || is_nullable || coalesce(column_default, '') as what
    from information_schema.columns where table_schema = 'public'
    union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
    order by 1, 2, 3`);
  return rows.filter((row) => !row.name.startsWith("schema_migrations"));
}

test("every migration goes up, down and up again, and leaves nothing behind", async () => {
  expect(await shape()).toEqual([]);
  const up = await migrate({ url, direction: "up" });
  expect(up.map((step) => step.version)).toEqual(migrations.map((each) => each.version));
  const whole = await shape();
  expect(whole.length).toBeGreaterThan(0);
  await migrate({ url, direction: "down", to: 0 });
  expect(await shape()).toEqual([]);
  await migrate({ url, direction: "up" });
  expect(await shape()).toEqual(whole);
  expect(await migrate({ url, direction: "up" })).toEqual([]);
});

/** Steps that change what rows say, and no table. */
const changesRowsOnly: ReadonlySet<number> = new Set([7]);

test("a step back down leaves exactly what was there before the step", async () => {
  for (const { version } of migrations.slice(1)) {
    await migrate({ url, direction: "up", to: version - 1 });
    const before = await shape();
    await migrate({ url, direction: "up", to: version });
    if (!changesRowsOnly.has(version)) expect(await shape()).not.toEqual(before);
    await migrate({ url, direction: "down", to: version - 1 });
    expect(await shape()).toEqual(before);
  }
});

test("a schema of members and marks is not for whispr-msg 0.1.0, and this binary serves on it", async () => {
  await migrate({ url, direction: "up" });
  const { rows } = await client.query("select oldest_binary from schema_migrations where version = 2");
  expect(rows).toEqual([{ oldest_binary: "0.2.0" }]);
  await client.query("update schema_migrations set version = 902 where version = 2");
  await client.query(
    "insert into schema_migrations (version, name, oldest_binary) values (2, 'sync', '0.1.0')",
  );
  expect(checkSchema({ url, binary: "0.1.0" })).rejects.toThrow("needs whispr-msg 0.2.0 or newer");
  await checkSchema({ url, binary: "0.2.0" });
});

test("what was written before the step to members and marks is there after it, and after the step back", async () => {
  await migrate({ url, direction: "up", to: 1 });
  const [id, anna, ben] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const pair = [anna, ben].sort();
  await client.query(
    `insert into conversations (id, type, created_at, updated_at, direct_low, direct_high) values ($1, 'direct', now(), now(), $2, $3)`,
    [id, ...pair],
  );
  await client.query(
    "insert into conversation_members (conversation_id, user_id, role, joined_at) values ($1, $2, 'owner', now()), ($1, $3, 'member', now())",
    [id, anna, ben],
  );
  await client.query(
    "insert into conversation_heads (conversation_id, seq, rev, last_message_at) values ($1, 3, 3, now())",
    [id],
  );
  const written = () =>
    client.query(
      `select id, seq::int, rev::int, sender_id, content, metadata, client_random::int, dedup_key::int, sent_at from messages
      where conversation_id = $1 order by seq`,
      [id],
    );
  await client.query(
    `insert into messages (id, conversation_id, seq, rev, sender_id, message_type, content, metadata, client_random, dedup_key, sent_at)
    select gen_random_uuid(), $1, n, n, $2, 0, 'text', '{}', n, n, now() from generate_series(1, 3) n`,
    [id, anna],
  );
  const before = (await written()).rows;
  await migrate({ url, direction: "up" });
  expect((await written()).rows).toEqual(before);
  const { rows: messages } = await client.query(
    "select count(*)::int as all, count(*) filter (where created_rev = rev and edit_count = 0 and deleted_at is null)::int as untouched from messages",
  );
  expect(messages).toEqual([{ all: 3, untouched: 3 }]);
  const { rows: members } = await client.query(
    "select user_id, joined_seq::int, left_seq, delivered_seq::int, read_seq::int from conversation_members order by user_id",
  );
  expect(members).toEqual(
    pair.map((user_id) => ({ user_id, joined_seq: 0, left_seq: null, delivered_seq: 0, read_seq: 0 })),
  );
  const { rows: generations } = await client.query(
    "select generation::int, system_identifier from store_generation",
  );
  expect(generations).toEqual([{ generation: 1, system_identifier: null }]);
  await client.query("update conversation_members set left_seq = 3, left_at = now() where user_id = $1", [
    ben,
  ]);
  await migrate({ url, direction: "down", to: 1 });
  expect((await written()).rows).toEqual(before);
  const { rows: present } = await client.query("select user_id from conversation_members");
  expect(present).toEqual([{ user_id: anna }]);
});

test("nodes that start at once: one migrates, the others wait and find it done", async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => migrate({ url, direction: "up" })));
  expect(all.flat()).toHaveLength(migrations.length);
  const states = await migrationStatus({ url });
  expect(states.every((state) => state.appliedAt !== null && state.isKnown)).toBe(true);
});

test("pending migrations are refused with the command to run", async () => {
  const refusal = checkSchema({ url, binary: "0.1.0" });
  expect(refusal).rejects.toBeInstanceOf(MigrationRefusal);
  expect(refusal).rejects.toThrow("whispr-msg migrate up");
});

test("only binaries that are too old for a newer migration are refused, by its name", async () => {
  await migrate({ url, direction: "up" });
  await client.query(
    "insert into schema_migrations (version, name, oldest_binary) values (900, 'from_the_future', '0.10.0')",
  );
  expect(checkSchema({ url, binary: "0.9.9" })).rejects.toThrow("900_from_the_future");
  await checkSchema({ url, binary: "0.10.0" });
  await checkSchema({ url, binary: "1.0.0" });
  expect(migrate({ url, direction: "down" })).rejects.toBeInstanceOf(MigrationRefusal);
});

test("a step that fails leaves the database as it was", async () => {
  await client.query("create table messages (unexpected int)");
  expect(migrate({ url, direction: "up" })).rejects.toThrow("messages");
  const { rows } = await client.query(
    "select to_regclass('conversations') as found, to_regclass('messages') as own",
  );
  expect(rows).toEqual([{ found: null, own: "messages" }]);
});

test("a role that may only read can still ask which migrations are applied", async () => {
  await migrate({ url, direction: "up" });
  await client.query(
    "create role only_reads login password 'x'; grant select on all tables in schema public to only_reads; revoke create on schema public from public",
  );
  try {
    const reader = new URL(url);
    reader.username = "only_reads";
    reader.password = "x";
    const states = await migrationStatus({ url: reader.href });
    expect(states.every((state) => state.appliedAt !== null)).toBe(true);
  } finally {
    await client.query("drop owned by only_reads; drop role only_reads");
  }
});
