import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type pg from "pg";
import { newId } from "../../system.ts";
import { startUs } from "../../testing/builders/changes.ts";
import { eventually } from "../../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { migrate } from "../schema/migrator.ts";
import { checkGeneration, newGeneration, readGeneration } from "./generation.ts";
import { ownerLockKey } from "./owner-lock.ts";

/** A database that was served on, then restored or copied in one of the ways that there are. */
let database: TestDatabase;
let client: pg.Client;
const more: (() => Promise<void>)[] = [];

beforeEach(async () => {
  database = await testDatabase();
  await migrate({ url: database.url, direction: "up" });
  client = await connect(database.url);
  await checkGeneration(client, startUs);
}, 120_000);
afterEach(async () => {
  await client.end();
  for (const end of more.splice(0)) await end();
  await database.close();
});

async function connect(url: string): Promise<pg.Client> {
  const made = await outsideClient(url);
  made.on("error", () => {});
  return made;
}

async function addHeads(count: number, rev: number): Promise<void> {
  await client.query(
    "insert into conversations (id, type, created_at, updated_at) select gen_random_uuid(), 'group', now(), now() from generate_series(1, $1::int)",
    [count],
  );
  await client.query(
    "insert into conversation_heads (conversation_id, seq, rev) select id, $1, $1 from conversations on conflict do nothing",
    [rev],
  );
}

async function marks(): Promise<number[]> {
  const { rows } = await client.query(
    "select distinct restored_rev::int as mark from conversation_heads order by 1",
  );
  return rows.map(({ mark }) => mark);
}

/** What the next two starts find. */
async function starts(on = client): Promise<unknown[]> {
  return [await checkGeneration(on, startUs), await checkGeneration(on, startUs)];
}

const once = [
  { generation: 2, isNew: true },
  { generation: 2, isNew: false },
];
const never = [
  { generation: 1, isNew: false },
  { generation: 1, isNew: false },
];

const copied = "create temp table kept as select * from store_generation;";

describe("a restored database begins one generation, and one only", () => {
  test.each([
    [
      "pg_restore --clean into the same database: the table is another one",
      `${copied} drop table store_generation;
       create table store_generation (is_only boolean primary key default true check (is_only), generation bigint not null,
         system_identifier text, timeline bigint, started_at timestamptz not null);
       insert into store_generation select * from kept`,
    ],
    [
      "pg_restore --data-only into the same tables: the row is another one",
      `${copied} truncate store_generation; insert into store_generation select * from kept`,
    ],
    ["a row that is not there", "delete from store_generation"],
  ])("%s", async (_, sql) => {
    await addHeads(3, 7);
    await client.query(sql);
    expect(await starts()).toEqual(once);
    expect(await marks()).toEqual([7]);
  });

  test("create database … template: the database is another one", async () => {
    await addHeads(3, 7);
    await client.end();
    const name = `whispr_test_copy_${newId().replaceAll("-", "")}`;
    const server = new URL(database.url);
    const original = server.pathname.slice(1);
    server.pathname = "/postgres";
    const outside = await connect(server.href);
    await outside.query(`create database ${name} template ${original}`);
    server.pathname = `/${name}`;
    const copy = await connect(server.href);
    more.push(async () => {
      await copy.end();
      await outside.query(`drop database ${name} with (force)`);
      await outside.end();
    });
    expect(await readGeneration(server.href)).toMatchObject({ generation: 1, verdict: "another" });
    expect(await starts(copy)).toEqual(once);
    client = await connect(database.url);
    expect(await starts()).toEqual(never);
  });

  test("rows that were copied into a new store, with the devices that they have", async () => {
    await client.query("update store_generation set system_identifier = null, timeline = null");
    await client.query(
      "insert into devices (user_id, device_id, generation, first_seen_at) values ($1, 'phone', 4, now())",
      [newId()],
    );
    expect(await starts()).toEqual([
      { generation: 5, isNew: true },
      { generation: 5, isNew: false },
    ]);
  });
});

describe("no generation begins by", () => {
  test.each([
    ["VACUUM FULL", "vacuum full store_generation"],
    ["VACUUM FREEZE", "vacuum freeze store_generation"],
    ["CLUSTER", "cluster store_generation using store_generation_pkey"],
    ["REINDEX", "reindex table store_generation"],
    ["ANALYZE", "analyze"],
    ["changes of other rows", "update conversation_ownership set epoch = epoch + 1"],
  ])("%s", async (_, sql) => {
    await client.query(sql);
    expect(await starts()).toEqual(never);
  });

  test("the update from a version that noted system and timeline only", async () => {
    const { rows } = await client.query("select system_identifier::text as system from pg_control_system()");
    await client.query("update store_generation set system_identifier = $1", [rows[0].system]);
    expect(await readGeneration(database.url)).toMatchObject({ generation: 1, verdict: "older" });
    expect(await starts()).toEqual(never);
    await client.query(
      `${copied} truncate store_generation; insert into store_generation select * from kept`,
    );
    expect(await starts()).toEqual(once);
  });
});

describe("a generation that is begun by hand", () => {
  test("marks every head, in short transactions, and can be cut short anywhere", async () => {
    await addHeads(5_000, 7);
    const locked = await connect(database.url);
    await locked.query("begin; lock table store_generation in share mode");
    const begun = newGeneration(database.url, startUs).catch((error: Error) => error);
    await eventually("it waits for the row", async () => {
      const { rows } = await client.query(
        "select from pg_stat_activity where application_name = 'whispr-msg admin' and datname = current_database() and wait_event_type = 'Lock'",
      );
      return rows.length > 0;
    });
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'whispr-msg admin' and datname = current_database()",
    );
    expect(await begun).toBeInstanceOf(Error);
    await locked.query("rollback");
    await locked.end();
    expect(await newGeneration(database.url, startUs)).toBe(2);
    expect(await marks()).toEqual([7]);
    expect(await starts()).toEqual([
      { generation: 2, isNew: false },
      { generation: 2, isNew: false },
    ]);
  }, 120_000);

  test("cut short between the heads and the number, is finished by the next process that owns them", async () => {
    await addHeads(10, 7);
    await client.query("update store_generation set system_identifier = 'a generation was about to begin'");
    await client.query(
      "update conversation_heads set restored_rev = 7 where conversation_id in (select conversation_id from conversation_heads limit 5)",
    );
    expect(await starts()).toEqual(once);
    expect(await marks()).toEqual([7]);
  });

  test("under a server waits for nobody who writes, and nobody waits for it", async () => {
    await addHeads(10, 7);
    const owner = await connect(database.url);
    await owner.query(`select pg_advisory_lock(${ownerLockKey})`);
    await owner.query("begin");
    await owner.query(
      "update conversation_heads set rev = 8 where conversation_id = (select conversation_id from conversation_heads limit 1)",
    );
    expect(await newGeneration(database.url, startUs)).toBe(2);
    await owner.query("commit");
    // The one that was being written resumes from less than it might.
    expect(await marks()).toEqual([0, 7]);
    await client.query("update conversation_heads set rev = 20");
    expect(await newGeneration(database.url, startUs)).toBe(3);
    // In a later generation marks decide, and heads move: they stay.
    expect(await marks()).toEqual([0, 7]);
    await owner.end();
    expect(await newGeneration(database.url, startUs)).toBe(4);
    expect(await marks()).toEqual([20]);
  }, 120_000);
});
