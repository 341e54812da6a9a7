import { afterEach, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { migrations } from "./migrations.ts";
import { MigrationRefusal, migrate, migrationStatus } from "./migrator.ts";

let database: TestDatabase;
let client: pg.Client;

beforeEach(async () => {
  database = await testDatabase();
  client = await outsideClient(database.url);
}, 120_000);
afterEach(async () => {
  await client.end();
  await database.close();
});

function up(to?: number) {
  return migrate({ url: database.url, direction: "up", ...(to === undefined ? {} : { to }) });
}

async function relations(): Promise<string[]> {
  const { rows } = await client.query(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace order by 1",
  );
  return rows.map(({ name }) => name);
}

test.each([
  ["Ecto or Rails", "version bigint primary key, inserted_at timestamp"],
  ["golang-migrate", "version bigint primary key, dirty boolean"],
  ["another tool", "version text, name text, applied_at timestamptz"],
])("a history of migrations by %s is refused by name, and nothing is changed", async (_, columns) => {
  await client.query(`create table schema_migrations (${columns})`);
  const before = await relations();
  const { url } = database;
  const attempts = [() => up(), () => migrationStatus({ url }), () => migrate({ url, direction: "down" })];
  for (const attempt of attempts) {
    const refusal = await Promise.resolve(attempt()).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MigrationRefusal);
    expect(String(refusal)).toContain("schema_migrations of this database is another program's");
    expect(String(refusal)).toContain("a database of its own");
  }
  expect(await relations()).toEqual(before);
});

test.each([
  ["messages", "create table messages (id int)"],
  ["conversations", "create view conversations as select 1 as one"],
  ["devices", "create table devices (id int primary key)"],
  ["messages_by_id", "create table other (id int); create index messages_by_id on other (id)"],
  ["user_last_seen", "create materialized view user_last_seen as select 1 as one"],
])("%s of another application is seen before anything is changed", async (name, sql) => {
  await client.query(sql);
  const before = await relations();
  await expect(up()).rejects.toThrow(`public.${name}. Nothing was changed.`);
  expect(await relations()).toEqual(before);
});

test("a name that a later step needs is seen before that step, with those of ours in place", async () => {
  await up(3);
  await client.query("create table user_last_seen (id int)");
  await expect(up()).rejects.toThrow("public.user_last_seen");
  await client.query("drop table user_last_seen");
  expect((await up()).map(({ version }) => version)).toEqual(migrations.map((each) => each.version).slice(3));
});

test("migrate down where nothing was migrated leaves nothing behind", async () => {
  expect(await migrate({ url: database.url, direction: "down" })).toEqual([]);
  expect(await relations()).toEqual([]);
});
