import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { MarkedConversation } from "../../core/messages/marks.ts";
import type { AppendOutcome, Batch } from "../../core/ports/commit.ts";
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
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
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
