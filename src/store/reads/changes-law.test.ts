import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { statusOf } from "../../core/messages/marks.ts";
import type { Message, ReplyTo } from "../../core/messages/message.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import {
  applyChanges,
  nothingKept,
  type Snapshot,
  snapshot,
  sorted,
  storedMembers,
} from "../../testing/builders/plain-snapshot.ts";
import { StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/processes/counting-pool.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { openPool } from "../connections/database.ts";
import { PostgresOwnState } from "../private/own-state.ts";
import { PostgresSyncReads } from "./sync-reads.ts";
import { PostgresViewerReads } from "./viewer-reads.ts";

let database: MigratedDatabase;
let pool: ReturnType<typeof openPool>;
let counting: CountingPool;
let reads: PostgresSyncReads;
let viewer: PostgresViewerReads;
let own: PostgresOwnState;

beforeAll(async () => {
  database = await migratedDatabase();
  pool = openPool(database.settings, () => {});
  counting = new CountingPool({ pool });
  reads = new PostgresSyncReads({ reads: counting });
  viewer = new PostgresViewerReads({ reads: counting });
  own = new PostgresOwnState({ reads: counting });
}, 120_000);

afterAll(async () => {
  await pool.end();
  await database.close();
});

function ask(conversation: StoredConversation, given: Partial<ChangesRequest>): ChangesRequest {
  return {
    conversationId: conversation.id,
    viewerId: null,
    sinceRev: 0,
    generation: 1,
    sinceSeq: null,
    limit: 100,
    ...given,
  };
}

async function changesOf(conversation: StoredConversation, given: Partial<ChangesRequest>): Promise<Changes> {
  const [answer] = await reads.changes([ask(conversation, given)]);
  return answer!;
}

type Operation = readonly [kind: number, one: number, other: number];

const operation: fc.Arbitrary<Operation> = fc.tuple(
  fc.integer({ min: 0, max: 21 }),
  fc.nat({ max: 99 }),
  fc.nat({ max: 99 }),
);

/** From where on each user has a conversation marked as unread, as his devices were told: the latest number wins. */
type UnreadFrom = Map<string, { readonly ownRev: number; readonly seq: number | null }>;

/** Whatever can be done at present; what cannot is left out. */
async function perform(
  { conversation, unreadFrom }: { conversation: StoredConversation; unreadFrom: UnreadFrom },
  users: readonly string[],
  [kind, one, other]: Operation,
): Promise<void> {
  const present = (await storedMembers(database, conversation.id)).filter(
    (member) => member.leftSeq === null,
  );
  const member = present[one % Math.max(1, present.length)];
  const absent = users.filter((userId) => !present.some((each) => each.userId === userId));
  const seqs = [one, other].map((each) => (each % Math.max(1, conversation.seq)) + 1);
  if (!member && kind !== 12) return;
  if (kind < 6) return conversation.send(member!.userId, { count: kind === 0 ? 2 : 1 });
  if (kind < 9) return conversation.seq > 0 ? conversation.edit(kind === 6 ? seqs : [seqs[0]!]) : undefined;
  if (kind === 9) return conversation.seq > 0 ? conversation.delete([seqs[0]!]) : undefined;
  if (kind === 10) {
    await conversation.remove(member!.userId);
    return other % 2 ? conversation.add(member!.userId) : undefined;
  }
  if (kind < 13) return absent.length > 0 ? conversation.add(absent[other % absent.length]!) : undefined;
  if (kind === 13 && other % 3 === 0) return conversation.handOver(member!.userId);
  if (kind === 13) return conversation.changeRole(member!.userId, other % 2 ? "admin" : "moderator");
  if (kind === 14) return conversation.rename();
  if (kind > 17) return relate(conversation, member!.userId, kind, seqs);
  if (kind > 15) return markAsUnread(conversation, unreadFrom, member!.userId, seqs[1]!);
  const readSeq = Math.min(other, conversation.seq);
  await conversation.mark(member!.userId, Math.min(readSeq + 1, conversation.seq), readSeq);
  const marked = unreadFrom.get(member!.userId)?.seq ?? null;
  if (marked === null || marked > readSeq) return;
  const cleared = await own.clearUnread(member!.userId, conversation.id);
  unreadFrom.set(member!.userId, { ownRev: cleared!.ownRev, seq: null });
}

/** Answers a message, or reacts to one: the same again takes it back. */
async function relate(
  conversation: StoredConversation,
  userId: string,
  kind: number,
  [seq, other]: readonly number[],
): Promise<void> {
  if (conversation.seq === 0) return;
  if (kind < 20) return conversation.reply(userId, seq!);
  return conversation.react(userId, seq!, other! % 2 ? "👍" : "❤️");
}

/** A message that the user does not see marks nothing. Each change of private state has a later number than all before it. */
async function markAsUnread(
  conversation: StoredConversation,
  unreadFrom: UnreadFrom,
  userId: string,
  seq: number,
): Promise<void> {
  const messageId = conversation.messageIds[seq - 1] ?? newId();
  const marked = await own.markUnread({
    type: "mark_unread",
    userId,
    conversationId: conversation.id,
    messageId,
  });
  const sees = (await snapshot(database, conversation.id, userId))!.messages.has(seq);
  expect(marked?.seq).toBe(sees ? seq : undefined);
  if (!marked) return;
  expect(marked.ownRev).toBeGreaterThan(unreadFrom.get(userId)?.ownRev ?? 0);
  unreadFrom.set(userId, marked);
}

/** What is counted as unread is what a device counts that keeps the log, the marks and its user's private state. */
async function expectUnread(
  kept: Snapshot,
  conversationId: string,
  viewerId: string,
  unreadFrom: UnreadFrom,
) {
  const { readSeq } = kept.marks.find(({ userId }) => userId === viewerId)!;
  const from = Math.min(readSeq + 1, unreadFrom.get(viewerId)?.seq ?? Number.MAX_SAFE_INTEGER);
  const { summary } = await viewer.showConversation(viewerId, conversationId);
  expect(summary!.unreadCount).toBe([...kept.countable].filter((seq) => seq >= from).length);
}

/** As what is answered is now, if the viewer sees it; a tombstone quotes nothing. */
async function expectQuote(
  { id }: StoredConversation,
  { deletedAtUs }: Message,
  { seq, quote }: ReplyTo,
  joinedSeq: number,
): Promise<void> {
  const isShown = deletedAtUs === null && seq > joinedSeq;
  expect(quote !== null).toBe(isShown);
  if (!quote) return;
  const [stored] = await database.sql<{ content: Buffer; deleted: boolean }>(
    "select content, deleted_at is not null as deleted from messages where conversation_id = $1 and seq = $2",
    [id, seq],
  );
  expect(quote.isDeleted).toBe(stored!.deleted);
  expect(quote.content).toBe(stored!.deleted ? null : stored!.content.toString());
}

async function expectTruth(
  conversation: StoredConversation,
  viewerId: string | null,
  page: Changes,
): Promise<void> {
  const present = (await storedMembers(database, conversation.id)).filter(
    (member) => member.leftSeq === null,
  );
  for (const { message, status } of page.messages) {
    expect(status).toBe(message.senderId === viewerId ? statusOf(message, present) : "sent");
  }
  const joinedSeq = present.find(({ userId }) => userId === viewerId)?.joinedSeq ?? 0;
  for (const { message } of page.messages)
    if (message.replyTo) await expectQuote(conversation, message, message.replyTo, joinedSeq);
  const [last] = await database.sql<{ seq: string | null }>(
    "select max(seq) as seq from messages where conversation_id = $1 and created_rev <= $2",
    [conversation.id, page.next.rev],
  );
  expect(page.next.seq).toBe(Number(last!.seq));
  const seqs = page.messages.map(({ message }) => message.seq);
  expect(seqs).toEqual(seqs.toSorted((one, next) => one - next));
}

test("I6: what was kept at any cut, and the pages of the difference since then, are what is there now, whatever happens and whatever the size of the pages", async () => {
  const seen = { expired: 0, strangers: 0, pagesBeforeTheLast: 0, markedUnread: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { maxLength: 20, size: "max" }),
      fc.array(operation, { maxLength: 20, size: "max" }),
      fc.array(fc.array(operation, { maxLength: 3 }), { maxLength: 3 }),
      fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 500 })),
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(1 << 20)),
      fc.constantFrom(null, 0, 1, 2, 3),
      fc.boolean(),
      fc.nat({ max: 3 }).map((one) => one === 0),
      async (before, after, between, limit, maxBytes, viewer, knowsSeq, fromNothing) => {
        const users = Array.from({ length: 4 }, newId);
        const conversation = await StoredConversation.of(database, users.slice(0, 3));
        const unreadFrom: UnreadFrom = new Map();
        const play = { conversation, unreadFrom };
        const viewerId = viewer === null ? null : users[viewer]!;
        for (const each of before) await perform(play, users, each);
        const atCut = await snapshot(database, conversation.id, viewerId);
        if (!atCut && !fromNothing) return;
        // A difference from 0 is whole.
        const cut = fromNothing ? 0 : conversation.rev;
        const kept = cut === 0 ? nothingKept() : atCut!;
        let [sinceRev, sinceSeq] = [cut, knowsSeq ? (fromNothing ? 0 : conversation.seq) : null];
        for (const each of after) await perform(play, users, each);
        for (let pages = 0; ; pages++) {
          for (const each of between[pages] ?? []) await perform(play, users, each);
          const now = await snapshot(database, conversation.id, viewerId);
          const page = await changesOf(conversation, { viewerId, sinceRev, sinceSeq, limit, maxBytes });
          if (!now) {
            expect(page).toMatchObject({
              membership: null,
              head: null,
              messages: [],
              members: [],
              marks: [],
            });
            expect(page).toMatchObject({ conversation: null, isExpired: false, hasMore: false });
            return void seen.strangers++;
          }
          const member = (await storedMembers(database, conversation.id)).find(
            (each) => each.userId === viewerId,
          );
          const wasAddedSince = sinceRev > 0 && sinceRev < (member?.joinedRev ?? 0);
          expect(page.isExpired).toBe(wasAddedSince);
          if (page.isExpired) {
            expect(page.messages).toEqual([]);
            expect(page.next.rev).toBe(conversation.rev);
            return void seen.expired++;
          }
          await expectTruth(conversation, viewerId, page);
          expect(page.messages.length).toBeLessThanOrEqual(Math.max(limit, 2));
          applyChanges(kept, page, viewerId);
          if (!page.hasMore) {
            expect(sorted(kept)).toEqual(sorted(now));
            expect(page.next).toEqual({
              conversationId: conversation.id,
              seq: conversation.seq,
              rev: conversation.rev,
            });
            if (viewerId) await expectUnread(kept, conversation.id, viewerId, unreadFrom);
            if (unreadFrom.get(viewerId ?? "")?.seq) seen.markedUnread++;
            return;
          }
          seen.pagesBeforeTheLast++;
          expect(page.next.rev).toBeGreaterThan(sinceRev);
          [sinceRev, sinceSeq] = [page.next.rev, knowsSeq ? page.next.seq : null];
        }
      },
    ),
    { numRuns: 150 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
}, 120_000);
