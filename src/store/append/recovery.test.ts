import { afterEach, beforeEach, expect, test } from "bun:test";
import type { MessageSent } from "../../core/messages/message.ts";
import type { Outcome } from "../../core/outcome.ts";
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

function sentOf({ events: [event] }: Outcome & { readonly type: "done" }): MessageSent {
  if (event?.type !== "message_sent") throw new Error("not a message");
  return event;
}

/** Sends without pause in every conversation until told to stop; remembers what was acknowledged, in order. */
function load(conversations: readonly Talk[], from: () => Node = () => node) {
  const acknowledged = new Map<string, { id: string; seq: number }[]>();
  const refused: Outcome[] = [];
  let isOver = false;
  let key = 0;
  const one = async ({ id, anna }: Talk) => {
    const acks: { id: string; seq: number }[] = [];
    acknowledged.set(id, acks);
    while (!isOver) {
      const clientRandom = key++;
      let outcome: Outcome;
      do {
        outcome = await from().send({
          conversationId: id,
          senderId: anna,
          clientRandom,
          content: `${clientRandom}`,
        });
        if (outcome.type === "rejection") refused.push(outcome);
      } while (outcome.type === "rejection" && !isOver);
      if (outcome.type === "done") acks.push(sentOf(outcome));
      if (outcome.type === "duplicate") acks.push(outcome.message);
    }
  };
  const running = Promise.all(conversations.map(one));
  return {
    acknowledged,
    refused,
    count: () => [...acknowledged.values()].reduce((sum, acks) => sum + acks.length, 0),
    async stop() {
      isOver = true;
      await running;
    },
  };
}

/** I1, I2, I3: everything acknowledged is stored once under its seq, and no log has a hole or a double. */
async function expectNothingLost(acknowledged: ReadonlyMap<string, readonly { id: string; seq: number }[]>) {
  for (const [conversationId, acks] of acknowledged) {
    const rows = await database.sql<{ id: string; seq: string }>(
      "select id, seq from messages where conversation_id = $1 order by seq",
      [conversationId],
    );
    const stored = new Map(rows.map((row) => [row.id, Number(row.seq)]));
    expect(acks.filter(({ id, seq }) => stored.get(id) !== seq)).toEqual([]);
  }
  expect(await database.sql(brokenLogs)).toEqual([]);
  const twice = await database.sql(
    "select 1 from messages group by conversation_id, sender_id, client_random having count(*) > 1 and client_random is not null",
  );
  expect(twice).toEqual([]);
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
  const sending = load(conversations);
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
  await expectNothingLost(sending.acknowledged);
  await expectFramesInOrder(node.frames);
}, 120_000);

test("a head moved behind the owner's back costs only that conversation a load; the others keep committing", async () => {
  const [victim, ...bystanders] = await talks(20);
  const first = await node.send({ conversationId: victim!.id, senderId: victim!.anna });
  expect(first.type).toBe("done");
  const sending = load(bystanders);
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
  await expectNothingLost(sending.acknowledged);
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

test("I3 I10: a client_random 5,000 messages old, sent again 100 times, gives 100 times the first message; others notice nothing", async () => {
  const [hot, ...bystanders] = await talks(10);
  const own = { conversationId: hot!.id, senderId: hot!.anna };
  const first = await node.send({ ...own, clientRandom: 0, content: "the first" });
  if (first.type !== "done") throw new Error("the first was not stored");
  await Promise.all(
    Array.from({ length: 5_000 }, (_, index) => node.send({ ...own, clientRandom: index + 1 })),
  );
  const sending = load(bystanders, () => node);
  await eventually("bystanders write", () => sending.count() > 20);
  const before = { failed: node.notes.failedBatches.length, bystanders: sending.count() };
  for (let time = 0; time < 50; time++) {
    const outcome = await node.send({ ...own, clientRandom: 0, content: "again" });
    expect(outcome).toMatchObject({
      type: "duplicate",
      differs: true,
      message: { id: sentOf(first).id, seq: 1 },
    });
  }
  const together = await Promise.all(
    Array.from({ length: 50 }, () => node.send({ ...own, clientRandom: 0, content: "the first" })),
  );
  for (const outcome of together)
    expect(outcome).toMatchObject({
      type: "duplicate",
      differs: false,
      message: { id: sentOf(first).id },
    });
  await eventually("bystanders write on", () => sending.count() > before.bystanders + 20);
  await sending.stop();
  expect(sending.refused).toEqual([]);
  expect(node.notes.failedBatches.length - before.failed).toBeLessThanOrEqual(1);
  await expectNothingLost(sending.acknowledged);
}, 180_000);

test("I10: 300 different old keys in a storm cost a handful of failed batches, not one each", async () => {
  const [hot] = await talks(1);
  const own = { conversationId: hot!.id, senderId: hot!.anna };
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => node.send({ ...own, clientRandom: index })));
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, (_, index) => node.send({ ...own, clientRandom: index })),
  );
  expect(outcomes.map((outcome) => outcome.type === "duplicate" && outcome.message.seq)).toEqual(
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
  expect(node.notes.failedBatches.length).toBeLessThanOrEqual(5);
}, 120_000);

test("I3: after 24 hours, and not before, a client_random is free again, also when only the database remembers it", async () => {
  const [talk] = await talks(1);
  const own = { conversationId: talk!.id, senderId: talk!.anna };
  await node.send({ ...own, clientRandom: 7, content: "yesterday" });
  await Promise.all(
    Array.from({ length: 400 }, (_, index) => node.send({ ...own, clientRandom: 100 + index })),
  );
  const age = (interval: string) =>
    database.sql("update messages set sent_at = now() - $1::interval where seq = 1", [interval]);
  await age("23 hours 59 minutes");
  expect(await node.send({ ...own, clientRandom: 7, content: "today" })).toMatchObject({
    type: "duplicate",
    message: { seq: 1, content: "yesterday" },
  });
  await node.stop();
  node = startNode(database.settings);
  await node.owns();
  await age("24 hours 1 second");
  const fresh = await node.send({ ...own, clientRandom: 7, content: "today" });
  expect(fresh).toMatchObject({ type: "done", events: [{ seq: 402, content: "today", releasesKeyOf: 1 }] });
  const again = await node.send({ ...own, clientRandom: 7, content: "today" });
  expect(again).toMatchObject({ type: "duplicate", message: { seq: 402 }, differs: false });
}, 120_000);

test("I1 I2 I3: connections that are killed again and again under load lose nothing and repeat nothing", async () => {
  const conversations = await talks(20);
  const sending = load(conversations);
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
  await expectNothingLost(sending.acknowledged);
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
  const sending = load(conversations, () => {
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
  await expectNothingLost(sending.acknowledged);
}, 180_000);
