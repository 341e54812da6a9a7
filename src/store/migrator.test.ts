import { afterEach, beforeEach, expect, test } from "bun:test";
import pg from "pg";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { migrations } from "./migrations.ts";
import { checkSchema, MigrationRefusal, migrate, migrationStatus } from "./migrator.ts";

let database: TestDatabase;
let client: pg.Client;
let url: string;

beforeEach(async () => {
  database = await testDatabase();
  url = database.url;
  client = new pg.Client({ connectionString: url });
  await client.connect();
}, 30_000);
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
