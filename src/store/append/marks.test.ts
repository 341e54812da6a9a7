import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { type MarkedConversation, statusChanges } from "../../core/messages/marks.ts";
import type { AppendOutcome, Batch } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import {
  aBatch,
  aMark,
  aMemberEvent,
  aSending,
  changeOf,
  messageOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { eventually } from "../../testing/eventually.ts";
import { inTurns, startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresViewerReads } from "../reads/viewer-reads.ts";
import { PostgresCommit } from "./append.ts";

let writer: Writer;
beforeAll(async () => {
  writer = await startWriter();
}, 120_000);
afterAll(() => writer.close());

function markedIn(outcome: AppendOutcome): readonly MarkedConversation[] {
  if (outcome.type !== "stored") throw new Error(`not stored: ${outcome.type}`);
  return outcome.marked;
}

async function mark(batch: Partial<Batch>): Promise<MarkedConversation> {
  const marked = markedIn(await writer.append(batch));
  expect(marked).toHaveLength(1);
  return marked[0]!;
}

/** A group of three with so many messages of its owner. */
async function aLog(length: number) {
  const { id, members } = await writer.aGroup();
  const [anna, ben, cleo] = members as [string, string, string];
  const changes = Array.from({ length }, (_, index) => aSending(id, index + 1, { senderId: anna }));
  if (length > 0) await writer.append({ changes });
  return { id, anna, ben, cleo, messages: changes.map(messageOf) };
}

async function marksOf(conversationId: string, userId: string) {
  const [row] = await writer.database.sql<{ delivered: number; read: number }>(
    "select delivered_seq::int as delivered, read_seq::int as read from conversation_members where conversation_id = $1 and user_id = $2",
    [conversationId, userId],
  );
  return row;
}

const moved = (userId: string, delivered: readonly [number, number], read: readonly [number, number]) => ({
  userId,
  deliveredFrom: delivered[0],
  deliveredTo: delivered[1],
  readFrom: read[0],
  readTo: read[1],
  wasUnread: false,
});

test("a mark tells from where to where it moved, who was where before, and the messages between, newest first", async () => {
  const { id, anna, ben, cleo, messages } = await aLog(5);
  await writer.append({ marks: [aMark(id, ben, { delivered: 2 })] });
  const marked = await mark({ marks: [aMark(id, ben, { delivered: 4, read: 3 })] });
  expect(marked).toMatchObject({ conversationId: id, moved: [moved(ben, [2, 4], [0, 3])] });
  expect(marked.members.toSorted((one, other) => (one.userId < other.userId ? -1 : 1))).toEqual(
    [
      { userId: anna, joinedSeq: 0, deliveredSeq: 0, readSeq: 0 },
      { userId: ben, joinedSeq: 0, deliveredSeq: 2, readSeq: 0 },
      { userId: cleo, joinedSeq: 0, deliveredSeq: 0, readSeq: 0 },
    ].toSorted((one, other) => (one.userId < other.userId ? -1 : 1)),
  );
  expect(marked.messages).toEqual(
    messages
      .slice(0, 4)
      .reverse()
      .map(({ id: messageId, seq, senderId }) => ({ id: messageId, seq, senderId })),
  );
  expect(statusChanges(marked)).toEqual([]);
  const last = await mark({ marks: [aMark(id, cleo, { delivered: 3 })] });
  expect(statusChanges(last).map(({ message, status }) => [message.seq, status])).toEqual([
    [3, "delivered"],
    [2, "delivered"],
    [1, "delivered"],
  ]);
});

test("who has read has received; at most the newest 50 messages are told of", async () => {
  const { id, ben } = await aLog(70);
  const marked = await mark({ marks: [aMark(id, ben, { read: 65 })] });
  expect(marked.moved).toEqual([moved(ben, [0, 65], [0, 65])]);
  expect(marked.messages.map((message) => message.seq)).toEqual(
    Array.from({ length: 50 }, (_, index) => 65 - index),
  );
});

test("I7: a mark never passes the head and never goes back; where nothing moves, nothing is written and told", async () => {
  const { id, ben } = await aLog(5);
  expect((await mark({ marks: [aMark(id, ben, { delivered: 900 })] })).moved).toEqual([
    moved(ben, [0, 5], [0, 0]),
  ]);
  const still = await mark({ marks: [aMark(id, ben, { delivered: 2 })] });
  expect(still.moved).toEqual([moved(ben, [5, 5], [0, 0])]);
  expect(still.messages).toEqual([]);
  expect(still.members).toHaveLength(3);
  expect(await marksOf(id, ben)).toEqual({ delivered: 5, read: 0 });
  const ranges = await writer.database.sql(
    "select from_seq::int, to_seq::int from delivery_statuses where conversation_id = $1",
    [id],
  );
  expect(ranges).toEqual([{ from_seq: 1, to_seq: 5 }]);
});

test("I7: whatever is asked, in whatever order, marks are the highest that was asked, within the head", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 6 }),
      fc.array(fc.record({ delivered: fc.option(fc.nat(9)), read: fc.option(fc.nat(9)) }), {
        minLength: 1,
        maxLength: 5,
      }),
      async (length, asked) => {
        const { id, ben } = await aLog(length);
        let [delivered, read] = [0, 0];
        for (const to of asked) {
          const move = {
            conversationId: id,
            userId: ben,
            deliveredSeq: to.delivered,
            readSeq: to.read,
          };
          const marked = await mark({ marks: [move] });
          const next = {
            delivered: Math.min(length, Math.max(delivered, to.delivered ?? 0, to.read ?? 0)),
            read: Math.min(length, Math.max(read, to.read ?? 0)),
          };
          expect(marked.moved).toEqual([moved(ben, [delivered, next.delivered], [read, next.read])]);
          ({ delivered, read } = next);
        }
        expect(await marksOf(id, ben)).toEqual({ delivered, read });
        const [covered] = await writer.database.sql(
          `select count(distinct seq)::int as received, count(seq) filter (where kind = 'read')::int as read
          from delivery_statuses, generate_series(from_seq, to_seq) seq where conversation_id = $1`,
          [id],
        );
        expect(covered).toEqual({ received: delivered, read });
      },
    ),
    { numRuns: 25 },
  );
}, 180_000);

test("I4: marks alone at a stale epoch are fenced, and none of the batch is written", async () => {
  const [one, other] = [await aLog(2), await aLog(2)];
  const epochOf = await writer.epochs();
  const taken = shardOf(other.id);
  await writer.database.sql("update conversation_ownership set epoch = epoch + 1 where shard = $1", [taken]);
  const marks = [one, other].map(({ id, ben }) => aMark(id, ben, { read: 2 }));
  expect(await writer.commit.append(aBatch({ marks }), epochOf)).toEqual({ type: "fenced", shards: [taken] });
  for (const { id, ben } of [one, other]) expect(await marksOf(id, ben)).toEqual({ delivered: 0, read: 0 });
});

test("I8: marks of strangers and of former members are told of nobody and change nothing", async () => {
  const { id, ben, cleo } = await aLog(3);
  const gone = aMemberEvent("member_removed", id, { userId: cleo, rev: 4, leftSeq: 3, leftAtUs: startUs });
  await writer.append({ changes: [changeOf(id, 4, gone)] });
  const stranger = newId();
  const marks = [stranger, cleo, ben].map((userId) => aMark(id, userId, { read: 3 }));
  const marked = await mark({ marks });
  expect(marked.moved).toEqual([moved(ben, [0, 3], [0, 3])]);
  expect(marked.members.map((member) => member.userId)).not.toContain(cleo);
  expect(await marksOf(id, cleo)).toEqual({ delivered: 0, read: 0 });
  expect(await marksOf(id, stranger)).toBeUndefined();
  const nowhere = newId();
  expect(await mark({ marks: [aMark(nowhere, ben, { read: 3 })] })).toEqual({
    conversationId: nowhere,
    moved: [],
    members: [],
    messages: [],
  });
});

test("marks reach the messages that their own batch stores, and those are told of", async () => {
  const { id, anna, ben, cleo } = await aLog(2);
  await writer.append({ marks: [aMark(id, cleo, { read: 2 })] });
  const dora = newId();
  const changes = [
    aSending(id, 3, { senderId: anna }),
    aSending(id, 4, { senderId: cleo }),
    changeOf(
      id,
      5,
      aMemberEvent("member_added", id, { userId: dora, rev: 5, joinedSeq: 4, joinedRev: 5 }),
      aMemberEvent("member_removed", id, { userId: cleo, rev: 5, leftSeq: 4, leftAtUs: startUs }),
    ),
    aSending(id, 5, { senderId: anna, rev: 6, createdRev: 6 }),
  ];
  const marked = await mark({ changes, marks: [aMark(id, ben, { read: 9 })] });
  expect(marked.moved).toEqual([moved(ben, [0, 5], [0, 5])]);
  expect(marked.messages.map((message) => [message.seq, message.senderId])).toEqual([
    [5, anna],
    [4, cleo],
    [3, anna],
    [2, anna],
    [1, anna],
  ]);
  expect(marked.members.find((member) => member.userId === dora)).toEqual({
    userId: dora,
    joinedSeq: 4,
    deliveredSeq: 4,
    readSeq: 4,
  });
  expect(marked.members.map((member) => member.userId)).not.toContain(cleo);
  const told = statusChanges(marked).map(({ message, status }) => [message.seq, status]);
  expect(told).toEqual([
    [3, "read"],
    [2, "read"],
    [1, "read"],
  ]);
});

test("one batch carries the marks of many conversations and members", async () => {
  const logs = await inTurns(20, aLog);
  const marks = logs.flatMap(({ id, ben, cleo }) => [
    aMark(id, ben, { read: 7 }),
    aMark(id, cleo, { delivered: 3 }),
  ]);
  const marked = new Map(markedIn(await writer.append({ marks })).map((each) => [each.conversationId, each]));
  expect(marked.size).toBe(20);
  for (const [length, { id, ben, cleo }] of logs.entries()) {
    const [read, delivered] = [Math.min(7, length), Math.min(3, length)];
    const moves = new Map(marked.get(id)!.moved.map((move) => [move.userId, move]));
    expect(moves.get(ben)).toEqual(moved(ben, [0, read], [0, read]));
    expect(moves.get(cleo)).toEqual(moved(cleo, [0, delivered], [0, 0]));
    expect(marked.get(id)!.messages).toHaveLength(read);
  }
});

test("a read that reaches what was marked as unread says so; a delivery does not", async () => {
  const { id, ben } = await aLog(5);
  await writer.database.sql(
    "insert into conversation_settings (user_id, conversation_id, own_rev, unread_from_seq) values ($1, $2, 1, 3)",
    [ben, id],
  );
  const wasUnread = async (to: { delivered?: number; read?: number }) =>
    (await mark({ marks: [aMark(id, ben, to)] })).moved[0]!.wasUnread;
  expect(await wasUnread({ delivered: 5 })).toBe(false);
  expect(await wasUnread({ read: 2 })).toBe(false);
  expect(await wasUnread({ read: 3 })).toBe(true);
  expect(await wasUnread({ read: 3 })).toBe(true);
  expect(await wasUnread({ delivered: 5 })).toBe(false);
});

test("what was received by being read has the time of reading for both, and one row", async () => {
  const { id, ben } = await aLog(5);
  await writer.append({ marks: [aMark(id, ben, { delivered: 1 })], atUs: startUs + 10 });
  await writer.append({ marks: [aMark(id, ben, { delivered: 4, read: 3 })], atUs: startUs + 20 });
  await writer.append({ marks: [aMark(id, ben, { read: 5 })], atUs: startUs + 30 });
  const rows = await writer.database.sql(
    `select seq::int, ((extract(epoch from delivered_at) * 1e6)::int8 - $3)::int as delivered,
      ((extract(epoch from read_at) * 1e6)::int8 - $3)::int as read
    from message_delivery_statuses where conversation_id = $1 and user_id = $2 order by seq`,
    [id, ben, startUs],
  );
  expect(rows).toEqual([
    { seq: 1, delivered: 10, read: 20 },
    { seq: 2, delivered: 20, read: 20 },
    { seq: 3, delivered: 20, read: 20 },
    { seq: 4, delivered: 20, read: 30 },
    { seq: 5, delivered: 30, read: 30 },
  ]);
  const ranges = await writer.database.sql(
    "select kind, from_seq::int as from, to_seq::int as to from delivery_statuses where conversation_id = $1 order by kind, from_seq",
    [id],
  );
  expect(ranges).toEqual([
    { kind: "delivered", from: 1, to: 1 },
    { kind: "delivered", from: 4, to: 4 },
    { kind: "read", from: 1, to: 3 },
    { kind: "read", from: 4, to: 5 },
  ]);
});

test("the view gives each message and recipient the times at which marks reached it", async () => {
  const { id, anna, ben, cleo, messages } = await aLog(3);
  await writer.append({ marks: [aMark(id, ben, { delivered: 1 })], atUs: startUs + 10 });
  await writer.append({ marks: [aMark(id, ben, { delivered: 3 })], atUs: startUs + 20 });
  await writer.append({ marks: [aMark(id, ben, { read: 2 })], atUs: startUs + 30 });
  await writer.append({ marks: [aMark(id, ben, { read: 3 })], atUs: startUs + 40 });
  const dora = newId();
  const coming = aMemberEvent("member_added", id, { userId: dora, rev: 4, joinedSeq: 3, joinedRev: 4 });
  await writer.append({
    changes: [changeOf(id, 4, coming), aSending(id, 4, { senderId: anna, rev: 5, createdRev: 5 })],
    marks: [aMark(id, cleo, { delivered: 1 })],
    atUs: startUs + 50,
  });
  const rows = await writer.database.sql(
    `select message_id, seq::int, user_id,
      ((extract(epoch from delivered_at) * 1e6)::int8 - $2)::int as delivered, ((extract(epoch from read_at) * 1e6)::int8 - $2)::int as read
    from message_delivery_statuses where conversation_id = $1 order by seq, user_id`,
    [id, startUs],
  );
  const expected = [
    [1, ben, 10, 30],
    [1, cleo, 50, null],
    [2, ben, 20, 30],
    [2, cleo, null, null],
    [3, ben, 20, 40],
    [3, cleo, null, null],
    [4, ben, null, null],
    [4, cleo, null, null],
    [4, dora, null, null],
  ] as const;
  const key = (row: { seq: unknown; user_id: unknown }) => `${row.seq} ${row.user_id}`;
  const byKey = new Map(rows.map((row) => [key(row as { seq: number; user_id: string }), row]));
  expect(rows).toHaveLength(expected.length);
  for (const [seq, userId, delivered, read] of expected) {
    const row = byKey.get(`${seq} ${userId}`);
    expect(row).toMatchObject({ delivered, read });
    if (seq <= 3) expect(row!.message_id).toBe(messages[seq - 1]!.id);
  }
  const reads = new PostgresViewerReads({ reads: writer.reads });
  const inUs = (after: number | null) => (after === null ? null : startUs + after);
  for (const { id: messageId, seq } of messages) {
    const status = await reads.showDeliveryStatus(cleo, messageId);
    const ofMessage = expected.filter(([at]) => at === seq);
    expect(status!.recipients.toSorted((one, other) => (one.userId < other.userId ? -1 : 1))).toEqual(
      ofMessage
        .map(([, userId, delivered, read]) => ({
          userId,
          deliveredAtUs: inUs(delivered),
          readAtUs: inUs(read),
        }))
        .toSorted((one, other) => (one.userId < other.userId ? -1 : 1)),
    );
    for (const stranger of [dora, newId()])
      expect(await reads.showDeliveryStatus(stranger, messageId)).toBeNull();
  }
});

test("who has left is named to nobody, and asks for nothing any more (I8)", async () => {
  const { id, ben, cleo, messages } = await aLog(2);
  await writer.append({ marks: [aMark(id, cleo, { read: 2 })], atUs: startUs + 10 });
  const gone = { userId: cleo, rev: 3, leftSeq: 2, leftAtUs: startUs + 20 };
  await writer.append({ changes: [changeOf(id, 3, aMemberEvent("member_removed", id, gone))] });
  const reads = new PostgresViewerReads({ reads: writer.reads });
  const status = await reads.showDeliveryStatus(ben, messages[0]!.id);
  expect(status!.recipients.map(({ userId }) => userId)).toEqual([ben]);
  expect(await reads.showDeliveryStatus(cleo, messages[0]!.id)).toBeNull();
});

test("marks that move are HOT: no index is written for them", async () => {
  const { id, ben, cleo } = await aLog(40);
  const updates = async () => {
    const [row] = await writer.database.sql<{ all: number; hot: number }>(
      "select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_user_tables where relname = 'conversation_members'",
    );
    return row!;
  };
  const flushed = async (work: (port: PostgresCommit) => Promise<void>) => {
    const port = new PostgresCommit({ settings: writer.database.settings, onLost: () => {} });
    await work(port);
    await port.close();
  };
  const earlier = await updates();
  const epochOf = await writer.epochs();
  await flushed(async (port) => {
    for (let seq = 1; seq <= 40; seq++) {
      const marks = [aMark(id, ben, { delivered: seq }), aMark(id, cleo, { read: seq })];
      await port.append(aBatch({ marks }), epochOf);
    }
  });
  await eventually("the server has counted them", async () => (await updates()).all - earlier.all >= 80);
  const later = await updates();
  const [all, hot] = [later.all - earlier.all, later.hot - earlier.hot];
  expect(all - hot).toBeLessThanOrEqual(2);
});
