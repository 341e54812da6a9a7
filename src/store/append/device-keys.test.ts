import { afterEach, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import { newId } from "../../system.ts";
import { type Node, startNode, type Talk } from "../../testing/model/engine-on-postgres.ts";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsidePool } from "../../testing/processes/outside.ts";
import { migrate, migrationStatus } from "../schema/migrator.ts";

/** I3 across migration 0006, by which keys count for each device: up from version 0.3, and back down to it. */

const [phone, tablet] = [deviceTagOf("phone"), deviceTagOf("tablet")];
const hourMs = 3_600_000;

let database: TestDatabase;
let outside: pg.Pool;
let node: Node | null;
beforeEach(async () => {
  database = await testDatabase();
  outside = outsidePool(database.url);
  node = null;
}, 120_000);
afterEach(async () => {
  await node?.stop();
  await outside.end();
  await database.close();
});

const sql = async (text: string, values: readonly unknown[] = []) =>
  (await outside.query(text, [...values])).rows;
const up = (to?: number) => migrate({ url: database.url, direction: "up", ...(to && { to }) });
const down = () => migrate({ url: database.url, direction: "down", to: 5 });

async function serving(): Promise<Node> {
  const settings = { url: database.url, poolSize: 4, connectTimeoutMs: 10_000, statementTimeoutMs: 10_000 };
  node = startNode(settings);
  await node.owns();
  return node;
}

async function stopped(): Promise<void> {
  await node?.stop();
  node = null;
}

/** Messages of one sender under the keys from 1, as version 0.3 stores them; sent one after the other until so long ago. */
async function writtenBefore(count: number, ageMs = 0): Promise<Talk> {
  const [id, anna, ben] = [newId(), newId(), newId()];
  await sql(
    "insert into conversations (id, type, created_at, updated_at) values ($1, 'group', now(), now())",
    [id],
  );
  await sql(
    "insert into conversation_members (conversation_id, user_id, role, joined_at) values ($1, $2, 'owner', now()), ($1, $3, 'member', now())",
    [id, anna, ben],
  );
  await sql(
    "insert into conversation_heads (conversation_id, seq, rev, last_message_at) values ($1, $2, $2, now() - $3 * interval '1 ms')",
    [id, count, ageMs],
  );
  await sql(
    `insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, client_random, dedup_key, sent_at)
    select gen_random_uuid(), $1, n, n, n, $2, 0, convert_to('old ' || n, 'UTF8'), '{}', n, n,
      now() - $4 * interval '1 ms' - ($3 - n) * interval '1 ms' from generate_series(1, $3::int) n`,
    [id, anna, count, ageMs],
  );
  return { id, anna, ben };
}

const logOf = (id: string) =>
  sql(
    `select seq::int, convert_from(content, 'UTF8') as content, client_random as random, dedup_key::text as key
    from messages where conversation_id = $1 order by seq`,
    [id],
  );

test("I3: what version 0.3 stored is not stored again after the upgrade, by no device, whether memory or only the store knows of it", async () => {
  await up(5);
  // More than a conversation is loaded with.
  const { id, anna } = await writtenBefore(300);
  await up();
  const { send } = await serving();
  for (const deviceTag of [phone, tablet, deviceTagOf(null)]) {
    for (const seq of [299, 1, 50]) {
      const again = { conversationId: id, senderId: anna, deviceTag, clientRandom: seq };
      expect(await send({ ...again, content: `old ${seq}` })).toMatchObject({
        type: "duplicate",
        differs: false,
        message: { seq },
      });
      expect(await send({ ...again, content: "another" })).toMatchObject({
        type: "duplicate",
        differs: true,
      });
    }
  }
  expect(await logOf(id)).toHaveLength(300);
  const next = { conversationId: id, senderId: anna, clientRandom: 1_000 };
  for (const deviceTag of [phone, tablet])
    expect(await send({ ...next, deviceTag })).toMatchObject({ type: "done" });
  expect(await logOf(id)).toHaveLength(302);
}, 120_000);

test("I3: a key that version 0.3 stored is free for every device after 24 hours", async () => {
  await up(5);
  const { id, anna } = await writtenBefore(300, 24 * hourMs);
  await up();
  const { send } = await serving();
  for (const clientRandom of [1, 299]) {
    for (const deviceTag of [phone, tablet]) {
      const own = { conversationId: id, senderId: anna, deviceTag, clientRandom };
      expect(await send(own)).toMatchObject({ type: "done" });
      expect(await send(own)).toMatchObject({ type: "duplicate" });
    }
  }
  expect((await logOf(id)).slice(300).map(({ key }) => key)).toEqual(
    [1, 1, 299, 299].map((random, at) =>
      String(BigInt([phone, tablet][at % 2]!) * 2n ** 32n + BigInt(random)),
    ),
  );
}, 120_000);

test("I3: keys of before are looked for until a day after the first owner that counts devices, and not at all in a new database", async () => {
  const held = async () => (await sql("select held_until::text as until from untagged_keys"))[0].until;
  await up();
  expect(await held()).toBe("-infinity");
  await down();
  await writtenBefore(1);
  await up();
  expect(await held()).toBe("infinity");
  await serving();
  const until = await held();
  const [{ hours }] = await sql("select extract(epoch from $1::timestamptz - now()) / 3600 as hours", [
    until,
  ]);
  expect(Number(hours)).toBeWithin(24.5, 25.1);
  await stopped();
  await serving();
  expect(await held()).toBe(until);
}, 120_000);

test("I3: each device gets its own message again when both ask at once and only the store knows them", async () => {
  await up();
  const first = await serving();
  const { id, anna } = await first.aTalk();
  const own = { conversationId: id, senderId: anna, clientRandom: 1 };
  for (const deviceTag of [phone, tablet]) await first.send({ ...own, deviceTag });
  // More than a conversation is loaded with.
  for (let at = 0; at < 200; at++) await first.send({ ...own, deviceTag: phone, clientRandom: 1_000 + at });
  await stopped();
  const { send } = await serving();
  const again = await Promise.all([phone, tablet].map((deviceTag) => send({ ...own, deviceTag })));
  expect(again).toMatchObject([1, 2].map((seq) => ({ type: "duplicate", message: { seq } })));
  expect(await logOf(id)).toHaveLength(202);
}, 120_000);

test("I3: a lost note of since when devices count costs look-ups, not messages", async () => {
  await up();
  await sql("delete from untagged_keys");
  const { aTalk, send } = await serving();
  const { id, anna } = await aTalk();
  const own = { conversationId: id, senderId: anna, deviceTag: phone, clientRandom: 1 };
  expect(await send(own)).toMatchObject({ type: "done" });
  expect(await send(own)).toMatchObject({ type: "duplicate" });
}, 120_000);

test("I3: what version 0.3 stores into an empty database that is migrated under it is looked for as well", async () => {
  await up(5);
  // It serves: it owns every conversation, and has stored nothing yet.
  await sql("update conversation_ownership set epoch = epoch + 1");
  await up();
  const { id, anna } = await writtenBefore(300);
  const { send } = await serving();
  const again = { conversationId: id, senderId: anna, deviceTag: phone, clientRandom: 1 };
  expect(await send(again)).toMatchObject({ type: "duplicate", message: { seq: 1 } });
}, 120_000);

test("a step back down drops no message of two devices with the same key: the first one keeps it, and so it is after the next step up", async () => {
  await up();
  const { send, aTalk } = await serving();
  const { id, anna, ben } = await aTalk();
  const indexes = () => sql("select indexdef from pg_indexes where indexdef like '%dedup_key%' order by 1");
  const own = { conversationId: id, clientRandom: 1 };
  for (const deviceTag of [phone, tablet, deviceTagOf(null)])
    expect(await send({ ...own, senderId: anna, deviceTag })).toMatchObject({ type: "done" });
  await send({ ...own, senderId: ben, deviceTag: tablet });
  await send({ ...own, senderId: anna, deviceTag: tablet, clientRandom: 4_294_967_295 });
  const [before, indexed] = [await logOf(id), await indexes()];
  await stopped();
  await down();
  expect(await logOf(id)).toEqual(
    before.map((row, at) => ({ ...row, key: ["1", null, null, "1", "4294967295"][at] })),
  );
  expect(await indexes()).toEqual(indexed);
  const repeated = sql(
    `insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, client_random, dedup_key, sent_at)
    values (gen_random_uuid(), $1, 6, 6, 6, $2, 0, '', '{}', 1, 1, now())`,
    [id, anna],
  );
  await expect(repeated).rejects.toThrow("dedup_key");
  await up();
  const again = await serving();
  for (const deviceTag of [phone, tablet])
    expect(await again.send({ ...own, senderId: anna, deviceTag })).toMatchObject({
      type: "duplicate",
      message: { seq: 1 },
    });
  expect(await logOf(id)).toHaveLength(5);
}, 120_000);

test("a step back down leaves keys that hold nothing any more, unless they are in the way of one that does", async () => {
  await up(5);
  const old = await writtenBefore(2, 25 * hourMs);
  await up();
  const { send } = await serving();
  const own = { conversationId: old.id, senderId: old.anna };
  await send({ ...own, deviceTag: phone, clientRandom: 3 });
  await send({ ...own, deviceTag: phone, clientRandom: 1 });
  await stopped();
  await sql(
    "update messages set sent_at = sent_at - interval '24 hours' where conversation_id = $1 and seq = 3",
    [old.id],
  );
  const [, , third] = await logOf(old.id);
  await down();
  expect((await logOf(old.id)).map(({ key }) => key)).toEqual([null, "2", third.key, "1"]);
}, 120_000);

/** Begins the step back, and ends its session when all but its last stage is done. */
async function cutShort(): Promise<void> {
  const kill =
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'whispr-msg migrate' and datname = current_database()";
  const lock = await outside.connect();
  await lock.query("begin; lock table messages in share update exclusive mode");
  const onProgress = (text: string) => void (/stage (\d) of \1/.test(text) && sql(kill));
  const cut = migrate({ url: database.url, direction: "down", to: 5, onProgress });
  await expect(cut).rejects.toThrow();
  await lock.query("rollback");
  lock.release();
}

test("I3: after a step back down that was cut short, what is stored is recognised, though memory does not know it", async () => {
  await up();
  const first = await serving();
  const { id, anna } = await first.aTalk();
  const own = { conversationId: id, senderId: anna, deviceTag: phone, clientRandom: 1 };
  await first.send(own);
  // More than a conversation is loaded with.
  for (let at = 0; at < 200; at++) await first.send({ ...own, clientRandom: 1_000 + at });
  await stopped();
  await cutShort();
  // The step that was taken back before it.
  await up();
  const second = await serving();
  expect(await second.send(own)).toMatchObject({ type: "duplicate", message: { seq: 1 } });
}, 120_000);

test("a step back down that was cut short leaves a schema to serve on, and may be taken again", async () => {
  await up();
  const first = await serving();
  const { id, anna } = await first.aTalk();
  const own = { conversationId: id, senderId: anna, clientRandom: 1 };
  await first.send({ ...own, deviceTag: phone });
  await first.send({ ...own, deviceTag: tablet });
  await stopped();
  await cutShort();
  const states = await migrationStatus({ url: database.url });
  expect(states.find(({ version }) => version === 6)?.appliedAt).toBeTruthy();
  await up();
  const second = await serving();
  expect(await second.send({ ...own, deviceTag: phone })).toMatchObject({ type: "duplicate" });
  await second.send({ ...own, deviceTag: phone, clientRandom: 2 });
  await stopped();
  await down();
  expect((await logOf(id)).map(({ key }) => key)).toEqual(["1", null, "2"]);
}, 120_000);
