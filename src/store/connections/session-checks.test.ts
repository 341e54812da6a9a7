import { afterAll, beforeAll, expect, test } from "bun:test";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { transactionPooler } from "../../testing/processes/transaction-pooler.ts";
import { checkDatabase, StoreRefusal } from "../schema/store-checks.ts";
import { findSessionProblems, ourTables } from "./session-checks.ts";

let database: MigratedDatabase;
let name: string;
const roles: string[] = [];
beforeAll(async () => {
  database = await migratedDatabase();
  name = new URL(database.url).pathname.slice(1);
}, 120_000);
afterAll(async () => {
  for (const role of roles) await database.sql(`drop owned by ${role}`);
  for (const role of roles) await database.sql(`drop role ${role}`);
  await database.close();
});

/** No superuser, and owner of nothing. It may use the tables unless it is said to be without. */
async function aRole(given: { readonly without?: true } = {}): Promise<{ role: string; url: string }> {
  const role = `${name}_${roles.length}`;
  await database.sql(`create role ${role} login`);
  roles.push(role);
  const grant = `grant select, insert, update, delete on all tables in schema public to ${role}`;
  if (!given.without) await database.sql(grant);
  const url = new URL(database.url);
  url.username = role;
  return { role, url: url.href };
}

async function problemsOf(url: string, poolSize = 10): Promise<readonly string[]> {
  return (await findSessionProblems(url, poolSize)).map(({ text }) => text);
}

test("a database as it comes has nothing that serving lacks", async () => {
  expect(await problemsOf(database.url)).toEqual([]);
});

test("a role may serve that owns nothing and is no superuser, once it may use the tables", async () => {
  const { url } = await aRole();
  expect(await problemsOf(url)).toEqual([]);
});

test("what a role may not do with the tables is said table by table", async () => {
  const none = await aRole({ without: true });
  const [missing, ...others] = await problemsOf(none.url);
  expect(others).toEqual([]);
  for (const table of ourTables) expect(missing).toContain(`${table} (SELECT, INSERT, UPDATE, DELETE)`);
  const { role, url } = await aRole();
  await database.sql(`revoke insert, update on messages from ${role}`);
  expect(await problemsOf(url)).toEqual([
    "This role may not use messages (INSERT, UPDATE): grant it to the role, or own the tables.",
  ]);
});

test("every table that serving uses is one whose privileges are examined", async () => {
  const rows = await database.sql<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition",
  );
  const serving = rows.map(({ name }) => name).filter((each) => !/migrations?$/.test(each));
  expect(serving.toSorted()).toEqual(ourTables.toSorted());
});

test("a setting that only a superuser may change back is named", async () => {
  const { role, url } = await aRole();
  await database.sql(`alter role ${role} in database ${name} set session_replication_role = replica`);
  expect(await problemsOf(url)).toEqual([
    expect.stringMatching(
      /^session_replication_role is replica .*alter role … reset session_replication_role/,
    ),
  ]);
});

test("a function that everybody may call but this role is named", async () => {
  const { url } = await aRole();
  await database.sql("revoke execute on function pg_control_system() from public");
  expect(await problemsOf(url)).toEqual([expect.stringContaining("pg_control_system()")]);
  await database.sql("grant execute on function pg_control_system() to public");
});

test("a database that was made read only is said to be, with the way out", async () => {
  await database.sql(`alter database ${name} set default_transaction_read_only = on`);
  expect(await problemsOf(database.url)).toEqual([
    expect.stringContaining("reset default_transaction_read_only"),
  ]);
  await database.sql(`begin; set transaction read write; alter database ${name} reset all; commit`);
});

test("fewer connections than this server may need are said before they are missed", async () => {
  await database.sql(`alter database ${name} connection limit 12`);
  expect(await problemsOf(database.url, 10)).toEqual([expect.stringContaining("allows 12 connections here")]);
  expect(await problemsOf(database.url, 6)).toEqual([]);
  await database.sql(`alter database ${name} connection limit -1`);
});

test("behind a pooler that gives each transaction to another session nothing is served, and doctor says why", async () => {
  const pooler = await transactionPooler(database.url);
  const refused = await checkDatabase(pooler.url).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(StoreRefusal);
  expect(String(refused)).toMatch(/pooler .* pool_mode = session/);
  expect(await problemsOf(pooler.url)).toEqual([expect.stringContaining("pool_mode = session")]);
  await pooler.close();
  await checkDatabase(database.url);
});
