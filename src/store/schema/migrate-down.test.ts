import { afterEach, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { eventually } from "../../testing/eventually.ts";
import { type Node, startNode } from "../../testing/model/engine-on-postgres.ts";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsidePool } from "../../testing/processes/outside.ts";
import { DatabaseInUse } from "../ownership/other-processes.ts";
import { ownerLockKey } from "../ownership/owner-lock.ts";
import { migrations } from "./migrations.ts";
import { migrate, migrationStatus, planDown } from "./migrator.ts";

/** I15: the way down says what it destroys, and destroys nothing under a server. */

let database: TestDatabase;
let outside: pg.Pool;
let nodes: Node[];
beforeEach(async () => {
  database = await testDatabase();
  outside = outsidePool(database.url);
  nodes = [];
  await migrate({ url: database.url, direction: "up" });
}, 120_000);
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await outside.end();
  await database.close();
});

const sql = async (text: string, values: readonly unknown[] = []) =>
  (await outside.query(text, [...values])).rows;
const down = (to?: number) =>
  migrate({ url: database.url, direction: "down", ...(to !== undefined && { to }) });
const isWhole = async () =>
  (await migrationStatus({ url: database.url })).every(({ appliedAt }) => appliedAt !== null);

function aNode(): Node {
  const settings = { url: database.url, poolSize: 2, connectTimeoutMs: 10_000, statementTimeoutMs: 10_000 };
  const node = startNode(settings);
  nodes.push(node);
  return node;
}

async function stopAll(): Promise<void> {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
}

/** Tables and columns, each by the name of a loss. */
async function catalog(): Promise<ReadonlySet<string>> {
  const rows = await sql(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
     union all select table_name || '.' || column_name from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  return new Set(
    rows.map(({ name }) => name).filter((name) => !/^(messages_p\d|schema_migrations)/.test(name)),
  );
}

test("of every step down, and of all together, exactly what is dropped is named before", async () => {
  const named = async (to: number) => {
    const { losses } = await planDown({ url: database.url, to });
    return losses
      .filter(({ where }) => where === null)
      .map(({ table, column }) => (column === null ? table : `${table}.${column}`))
      .sort();
  };
  /** What goes; a table that goes as a whole without its columns. */
  const gone = (before: ReadonlySet<string>, after: ReadonlySet<string>) => {
    const all = [...before].filter((name) => !after.has(name));
    return all.filter((name) => !name.includes(".") || after.has(name.split(".")[0]!)).sort();
  };
  const whole = await catalog();
  for (const { version } of migrations.toReversed()) {
    const [announced, before] = [await named(version - 1), await catalog()];
    await down(version - 1);
    expect([version, announced]).toEqual([version, gone(before, await catalog())]);
  }
  await migrate({ url: database.url, direction: "up" });
  expect(await named(0)).toEqual(gone(whole, new Set()));
}, 120_000);

test("what goes is told with how much it holds: rows of tables, values of columns, and rows that have no place below", async () => {
  const node = aNode();
  await node.owns();
  const { id, anna } = await node.aTalk();
  for (const content of ["one", "two", "three"])
    await node.send({ conversationId: id, senderId: anna, content });
  await stopAll();
  await sql("update messages set edited_at = now() where seq = 2");
  await sql("update conversation_members set left_seq = 1 where user_id = $1", [anna]);
  const { losses } = await planDown({ url: database.url, to: 1 });
  const rowsOf = (table: string, column: string | null, where: string | null = null) =>
    losses.find((loss) => loss.table === table && loss.column === column && loss.where === where);
  expect(rowsOf("messages", "edited_at")).toMatchObject({ rows: 1, bytes: 8 });
  expect(rowsOf("messages", "created_rev")).toMatchObject({ rows: 3, bytes: 24 });
  expect(rowsOf("conversation_members", null, "left_seq is not null")).toMatchObject({
    rows: 1,
    bytes: null,
  });
  expect(rowsOf("direct_pairs", null)).toMatchObject({ rows: 1 });
  const all = await planDown({ url: database.url, to: 0 });
  const messages = all.losses.find(({ table }) => table === "messages")!;
  expect(messages).toMatchObject({ column: null, where: null, rows: 3 });
  const [{ bytes }] = await sql(
    "select sum(pg_total_relation_size(relid))::int as bytes from pg_partition_tree('messages')",
  );
  expect(messages.bytes).toBe(bytes);
  expect(await isWhole()).toBe(true);
}, 120_000);

test("what users notice of a step that is taken back is said before, and only of the steps that are", async () => {
  const consequences = async (to: number) => (await planDown({ url: database.url, to })).consequences.join();
  const [asked, blocked] = ["users who were asked whether they accept", "blocked users stay out"];
  const [toNewest, toSeven, toFour] = [await consequences(8), await consequences(7), await consequences(4)];
  expect(toNewest).toBe("");
  expect([toSeven.includes(asked), toSeven.includes(blocked)]).toEqual([true, false]);
  expect([toFour.includes(asked), toFour.includes(blocked)]).toEqual([true, true]);
}, 120_000);

test("nothing is taken back while a whispr-msg serves or stands by: the refusal says who, and changes nothing", async () => {
  const [owner, standby] = [aNode(), aNode()];
  await eventually("one of them owns", () => owner.ownership.isOwner || standby.ownership.isOwner);
  const [serving, waiting] = owner.ownership.isOwner ? [owner, standby] : [standby, owner];
  await eventually("the other one waits", () => waiting.ownership.waitsFor?.includes("stands by") === true);
  for (const to of [0, 5, undefined]) {
    const refused = await down(to).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DatabaseInUse);
    expect((refused as Error).message).toMatch(
      /^A whispr-msg is connected to this database: the owner (at [\d.:a-f]+|on the database's machine) \(since 20.+Z, PostgreSQL pids \d+.*\)\. Nothing was changed\. Stop every/,
    );
  }
  const { others } = await planDown({ url: database.url });
  expect(others).toHaveLength(1);
  expect(others[0]).toStartWith("the owner");
  expect(await isWhole()).toBe(true);
  // An owner that cannot be told by its name, as behind a pooler that gives its own.
  await stopAll();
  const stranger = await outside.connect();
  await stranger.query("select pg_advisory_lock(x'776869737072'::bigint)");
  await expect(down()).rejects.toBeInstanceOf(DatabaseInUse);
  await stranger.query("select pg_advisory_unlock_all()");
  stranger.release();
  expect(serving.ownership.isOwner).toBe(false);
  expect(await down()).toHaveLength(1);
}, 120_000);

test("one that only stands by is enough to refuse", async () => {
  const stranger = await outside.connect();
  await stranger.query("select pg_advisory_lock(x'776869737072'::bigint)");
  const standby = aNode();
  await eventually("it waits", () => standby.ownership.waitsFor?.includes("stands by") === true);
  await stranger.query(
    "select pg_advisory_unlock_all(), set_config('application_name', 'whispr-msg owner', false)",
  );
  await eventually("it owns", () => standby.ownership.isOwner);
  await stopAll();
  await expect(down()).rejects.toThrow("a whispr-msg that stands by");
  await stranger.query("select set_config('application_name', '', false)");
  stranger.release();
  expect(await down()).toHaveLength(1);
}, 120_000);

test("a server that starts while steps are taken back does not serve, not on half a schema and not after it, until they are taken again", async () => {
  const reader = await outside.connect();
  await reader.query("begin; lock table messages, message_reactions in access share mode");
  const said: string[] = [];
  const going = migrate({
    url: database.url,
    direction: "down",
    to: 2,
    onProgress: (text) => said.push(text),
  });
  await eventually("half of them are gone", async () => {
    const states = await migrationStatus({ url: database.url });
    return states.filter(({ appliedAt }) => appliedAt === null).length === migrations.length - 3;
  });
  const { ownership } = aNode();
  await eventually("it stands by", () => ownership.waitsFor?.includes("stands by") === true);
  await reader.query("rollback");
  reader.release();
  await going;
  await eventually("it says what it waits for", () => {
    expect(ownership.isOwner).toBe(false);
    return ownership.waitsFor?.includes("The database lacks") === true;
  });
  expect(ownership.waitsFor).toBe(
    `a schema that it can serve on. The database lacks ${migrations.length - 2} migration(s), from 3_messages. Run \`whispr-msg migrate up\`, or set WHISPR_AUTO_MIGRATE=1.`,
  );
  await migrate({ url: database.url, direction: "up" });
  await eventually("it owns", () => ownership.isOwner);
}, 120_000);

test("a server that stands by while a newer one takes the schema further does not take over what is not for it", async () => {
  const [first, second] = [aNode(), aNode()];
  await eventually("one of them owns", () => first.ownership.isOwner || second.ownership.isOwner);
  await sql("insert into schema_migrations (version, name, oldest_binary) values (900, 'later', '9.0.0')");
  const [owner, standby] = first.ownership.isOwner ? [first, second] : [second, first];
  nodes = [standby];
  await owner.stop();
  await eventually(
    "it says what it waits for",
    () => standby.ownership.waitsFor?.includes("900_later") === true,
  );
  expect(standby.ownership.isOwner).toBe(false);
  // It is not in the way of one that can serve on this schema.
  await eventually("the right is free", async () => {
    const [{ free }] = await sql(`select pg_try_advisory_xact_lock(${ownerLockKey}) as free`);
    return free;
  });
  await sql("delete from schema_migrations where version = 900");
  await eventually("it owns", () => standby.ownership.isOwner);
}, 120_000);
