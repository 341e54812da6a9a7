import { afterAll, beforeAll, expect, test } from "bun:test";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import {
  type MigratedDatabase,
  migratedDatabase,
  startNode,
} from "../../testing/model/engine-on-postgres.ts";
import { databaseLink } from "../../testing/processes/database-link.ts";
import { openPool, ReadPool } from "./database.ts";

let database: MigratedDatabase;

beforeAll(async () => {
  database = await migratedDatabase();
}, 120_000);

afterAll(() => database.close());

test("a session is set up as ours whatever the address asks for, and keeps what else it asks for", async () => {
  const link = await databaseLink(database.url);
  const url = `${link.url}?options=-c%20DateStyle%3DGerman%20-c%20temp_buffers%3D9MB%20-c%20statement_timeout%3D1`;
  const pool = openPool({ ...database.settings, url }, () => {});
  const { rows } = await pool.query(
    "select name, setting from pg_settings where name = any ($1) order by name",
    [["DateStyle", "default_transaction_isolation", "statement_timeout", "temp_buffers"]],
  );
  const timeout = String(database.settings.statementTimeoutMs);
  expect(rows.map((row) => row.setting)).toEqual(["ISO, MDY", "read committed", timeout, "1152"]);
  await pool.end();
  await link.close();
});

test("a session is set up although the address ends every statement after 1 ms", async () => {
  const link = await databaseLink(database.url);
  const url = `${link.url}?options=-c%20statement_timeout%3D1`;
  const pool = openPool({ ...database.settings, url, poolSize: 40 }, () => {});
  for (let round = 0; round < 5; round++) {
    const clients = await Promise.all(Array.from({ length: 40 }, () => pool.connect()));
    for (const client of clients) client.release(true);
  }
  await pool.end();
  await link.close();
}, 60_000);

test("tables are looked for in public, or where the address says, never where the database or the role says", async () => {
  const name = new URL(database.url).pathname.slice(1);
  const where = async (url: string) => {
    const pool = openPool({ ...database.settings, url }, () => {});
    const { rows } = await pool.query<{ search_path: string }>("show search_path");
    await pool.end();
    return rows[0]!.search_path;
  };
  await database.sql(`alter database ${name} set search_path = nowhere`);
  await database.sql(`alter role current_user in database ${name} set search_path = ''`);
  expect(await where(database.url)).toBe('"$user", public');
  const named = `${database.url}${database.url.includes("?") ? "&" : "?"}options=-c%20search_path%3Delsewhere`;
  expect(await where(named)).toBe("elsewhere");
  await database.sql(`alter role current_user in database ${name} reset all`);
  await database.sql(`alter database ${name} reset all`);
});

test("I3: a database that speaks another language is understood: a repeated old key is a duplicate, not a riddle", async () => {
  const link = await databaseLink(database.url, () => "speaks another language");
  const node = startNode({ ...database.settings, url: link.url });
  await node.owns();
  const { id, anna } = await node.aTalk();
  const send = (clientRandom: number) => node.send({ conversationId: id, senderId: anna, clientRandom });
  await send(7);
  await Promise.all(Array.from({ length: 400 }, (_, index) => send(100 + index)));
  expect(await send(7)).toMatchObject({ type: "duplicate", message: { seq: 1 } });
  expect(node.notes.failedBatches).toEqual(["refused"]);
  await node.stop();
  await link.close();
});

test("a lock that is not had in time, or a standby, is the store out of reach; a statement takes too long by itself; one that is wrong is a bug", async () => {
  const pool = openPool({ ...database.settings, statementTimeoutMs: 200 }, () => {});
  const reads = new ReadPool({ pool });
  const ask = (text: string) =>
    reads.query({ text }).then(
      () => null,
      (error: unknown) => error,
    );
  const raise = (code: string) => ask(`do $$ begin raise exception 'no' using errcode = '${code}'; end $$`);
  for (const code of ["55P03", "40P01", "53200", "25006"])
    expect(await raise(code)).toBeInstanceOf(StoreUnavailable);
  expect(await ask("select pg_sleep(5)")).toBeInstanceOf(StoreTimedOut);
  expect(await raise("55P03")).not.toBeInstanceOf(StoreTimedOut);
  expect(await ask("select 1 from nothing")).not.toBeInstanceOf(StoreUnavailable);
  await pool.end();
});

test("a connection that cannot be set up is the store out of reach, not a bug of what was asked", async () => {
  const role = `${new URL(database.url).pathname.slice(1)}_barred`;
  const url = new URL(database.url);
  url.username = role;
  await database.sql(`create role ${role} login`);
  await database.sql("revoke execute on function pg_catalog.set_config from public");
  const pool = openPool({ ...database.settings, url: url.href }, () => {});
  const reads = new ReadPool({ pool });
  await expect(reads.query({ text: "select 1" })).rejects.toBeInstanceOf(StoreUnavailable);
  await database.sql("grant execute on function pg_catalog.set_config to public");
  expect((await reads.query({ text: "select 1 as one" })).rows).toEqual([{ one: 1 }]);
  await pool.end();
  await database.sql(`drop role ${role}`);
});
