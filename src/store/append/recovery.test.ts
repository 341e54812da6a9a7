import { afterEach, beforeEach, expect, test } from "bun:test";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import { eventually } from "../../testing/eventually.ts";
import {
  brokenLogs,
  type MigratedDatabase,
  migratedDatabase,
  type Node,
  startNode,
  type Talk,
} from "../../testing/model/engine-on-postgres.ts";
import { expectNothingLost, sendSteadily } from "../../testing/play/steady-load.ts";

let database: MigratedDatabase;
let node: Node;

beforeEach(async () => {
  database = await migratedDatabase();
  node = startNode(database.settings);
  await node.owns();
}, 120_000);

afterEach(async () => {
  await node.stop();
  await database.close();
}, 120_000);

async function talks(count: number): Promise<readonly Talk[]> {
  return Promise.all(Array.from({ length: count }, () => node.aTalk()));
}

/** Every frame tells of one stored message, each once and in order. */
async function expectFramesInOrder(frames: Node["frames"]) {
  const last = new Map<string, number>();
  for (const frame of frames) {
    if (frame.type !== "changes") continue;
    const { conversationId, rev } = frame;
    expect(rev).toBe((last.get(conversationId) ?? 0) + 1);
    last.set(conversationId, rev);
  }
}

test("I1 I4: epochs raised from outside under load: the owner is refused, recovers, and loses nothing", async () => {
  const conversations = await talks(30);
  const sending = sendSteadily(conversations, () => node);
  const fenced = () => node.notes.failedBatches.filter((kind) => kind === "fenced").length;
  await eventually("messages flow", () => sending.count() > 100);
  for (let time = 0; time < 8; time++) {
    const before = sending.count();
    const refusedBefore = fenced();
    const shards = conversations.filter((_, index) => index % 5 === time % 5).map(({ id }) => shardOf(id));
    await database.sql("update conversation_ownership set epoch = epoch + 1 where shard = any ($1::int2[])", [
      shards,
    ]);
    await eventually("the next write is refused", () => fenced() > refusedBefore);
    await eventually("messages flow again", () => sending.count() > before + 60);
  }
  await sending.stop();
  expect(sending.refused).toEqual([]);
  expect(node.notes.bugs).toEqual([]);
  await expectNothingLost(database, sending.acknowledged);
  await expectFramesInOrder(node.frames);
}, 120_000);

test("a head moved behind the owner's back costs only that conversation a load; the others keep committing", async () => {
  const [victim, ...bystanders] = await talks(20);
  const first = await node.send({ conversationId: victim!.id, senderId: victim!.anna });
  expect(first.type).toBe("done");
  const sending = sendSteadily(bystanders, () => node);
  await eventually("messages flow", () => sending.count() > 50);
  const loads = node.notes.loads;
  await database.sql(
    `with moved as (update conversation_heads set seq = 2, rev = 2 where conversation_id = $1 returning 1)
    insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, sent_at)
    select $2, $1, 2, 2, 2, $3, 0, 'from elsewhere', '{}', now() from moved`,
    [victim!.id, newId(), victim!.ben],
  );
  const outcome = await node.send({ conversationId: victim!.id, senderId: victim!.anna });
  expect(outcome).toMatchObject({ type: "done", events: [{ seq: 3, rev: 3 }] });
  await sending.stop();
  expect(node.notes.loads).toBe(loads + 1);
  expect(node.notes.failedBatches).toEqual([]);
  await expectNothingLost(database, sending.acknowledged);
}, 120_000);

test("I10: one change among 500 that the database refuses is refused alone", async () => {
  const conversations = await talks(100);
  await database.sql("alter table messages add constraint guilt check (content <> 'guilty') not valid");
  const sent = await Promise.all(
    Array.from({ length: 500 }, (_, index) => {
      const { id, anna } = conversations[index % 100]!;
      return node.send({
        conversationId: id,
        senderId: anna,
        content: index === 321 ? "guilty" : `${index}`,
      });
    }),
  );
  expect(sent.flatMap((outcome, index) => (outcome.type === "done" ? [] : [[index, outcome]]))).toMatchObject(
    [[321, { type: "rejection", code: "internal" }]],
  );
  const [{ stored }] = (await database.sql<{ stored: number }>(
    "select count(*)::int as stored from messages",
  )) as [{ stored: number }];
  expect(stored).toBe(499);
  expect(node.notes.failedBatches.length).toBeLessThanOrEqual(20);
  expect(await database.sql(brokenLogs)).toEqual([]);
}, 120_000);

test("I1 I2 I3: connections that are killed again and again under load lose nothing and repeat nothing", async () => {
  const conversations = await talks(20);
  const sending = sendSteadily(conversations, () => node);
  await eventually("messages flow", () => sending.count() > 50);
  const kinds = ["whispr-msg lane", "whispr-msg owner", "whispr-msg reads", "whispr-msg %"];
  // On a busy machine, few kills meet a batch that is on its way.
  const hasHit = () => node.notes.failedBatches.includes("unknown");
  for (let time = 0; time < 16 || (!hasHit() && time < 400); time++) {
    const before = sending.count();
    await database.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like $1",
      [kinds[time % kinds.length]],
    );
    await eventually("messages flow again", () => sending.count() > before + 20);
  }
  await sending.stop();
  expect(node.notes.failedBatches).toContain("unknown");
  expect(node.notes.bugs).toEqual([]);
  await expectNothingLost(database, sending.acknowledged);
  await expectFramesInOrder(node.frames);
}, 180_000);

test("I4: a second process on the same database stands by and says so, and takes over when the first ends", async () => {
  const [talk] = await talks(1);
  const own = { conversationId: talk!.id, senderId: talk!.anna };
  expect((await node.send({ ...own, content: "first owner" })).type).toBe("done");
  const second = startNode(database.settings, {
    registry: { commandDeadlineMs: 300, maxTurns: 100, maxTurnBytes: 1 << 20 },
  });
  await eventually("the second stands by", () => second.ownership.waitsFor?.includes("stands by") === true);
  expect(second.ownership.isOwner).toBe(false);
  expect(await second.send(own)).toMatchObject({ type: "rejection", code: "unavailable" });
  await node.stop();
  await second.owns();
  expect(await second.send({ ...own, content: "second owner" })).toMatchObject({
    type: "done",
    events: [{ seq: 2 }],
  });
  const first = node;
  node = second;
  expect(first.ownership.isOwner).toBe(false);
  expect(await database.sql(brokenLogs)).toEqual([]);
}, 120_000);

test("I4: when the first loses its connection, exactly one of two owns at any time, and both together lose nothing", async () => {
  const conversations = await talks(5);
  const second = startNode(database.settings);
  // While nobody owns, a client stays where it was: the other one would hold its command until the deadline.
  let last = node;
  const sending = sendSteadily(conversations, () => {
    last = [second, node].find(({ ownership }) => ownership.isOwner) ?? last;
    return last;
  });
  await eventually("messages flow", () => sending.count() > 20);
  for (let time = 0; time < 6; time++) {
    const before = sending.count();
    await database.sql(
      `select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and granted and datname = current_database()`,
    );
    await eventually("messages flow again", () => sending.count() > before + 20);
  }
  await sending.stop();
  await second.stop();
  await expectNothingLost(database, sending.acknowledged);
}, 180_000);
