import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { MemberMarks, MemberRecord } from "../../core/conversations/conversation.ts";
import { statusOf } from "../../core/messages/marks.ts";
import type { Message, ReplyTo } from "../../core/messages/message.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/counting-pool.ts";
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

/** What a viewer who keeps a conversation has of it. */
interface Snapshot {
  /** By seq: the id, and what was last changed. */
  readonly messages: Map<number, string>;
  /** Of others, and not deleted. */
  readonly countable: Set<number>;
  readonly members: Map<string, string>;
  metadata: string;
  marks: readonly MemberMarks[];
}

const nothingKept = (): Snapshot => ({
  messages: new Map(),
  countable: new Set(),
  members: new Map(),
  metadata: "",
  marks: [],
});

interface StoredMember extends MemberRecord, MemberMarks {}

async function storedMembers(id: string): Promise<StoredMember[]> {
  const rows = await database.sql<Record<keyof StoredMember, string | null>>(
    `select user_id as "userId", role, joined_seq as "joinedSeq", joined_rev as "joinedRev", rev, left_seq as "leftSeq",
      delivered_seq as "deliveredSeq", read_seq as "readSeq"
    from conversation_members where conversation_id = $1 order by user_id`,
    [id],
  );
  return rows.map((row) => ({
    userId: row.userId!,
    role: row.role as StoredMember["role"],
    joinedAtUs: 0,
    leftAtUs: null,
    joinedSeq: Number(row.joinedSeq),
    joinedRev: Number(row.joinedRev),
    rev: Number(row.rev),
    leftSeq: row.leftSeq === null ? null : Number(row.leftSeq),
    deliveredSeq: Number(row.deliveredSeq),
    readSeq: Number(row.readSeq),
  }));
}

const memberText = ({ role, joinedSeq, joinedRev, rev }: MemberRecord) =>
  [role, joinedSeq, joinedRev, rev].join(" ");

/** Read plainly; null: the viewer is a stranger. */
async function snapshot(id: string, viewerId: string | null): Promise<Snapshot | null> {
  const present = (await storedMembers(id)).filter((member) => member.leftSeq === null);
  const viewer = present.find((member) => member.userId === viewerId);
  if (viewerId !== null && !viewer) return null;
  const rows = await database.sql<{
    seq: string;
    id: string;
    rev: string;
    content: Buffer;
    countable: boolean;
    reply_to_seq: string | null;
    relations: Buffer | null;
    reactions: string | null;
  }>(
    `select seq, id, rev, content, sender_id <> $3 and deleted_at is null as countable, reply_to_seq, relations, (
      select string_agg(user_id || ' ' || reaction, ',' order by reacted_at) from message_reactions r
      where r.conversation_id = m.conversation_id and r.seq = m.seq) as reactions
    from messages m where conversation_id = $1 and seq > $2 order by seq`,
    [id, viewer?.joinedSeq ?? 0, viewerId ?? id],
  );
  const [stored] = await database.sql<{ metadata: Buffer }>(
    "select metadata from conversations where id = $1",
    [id],
  );
  return {
    messages: new Map(
      rows.map((row) => {
        const { attachments = null } = JSON.parse(row.relations?.toString() || "{}");
        const relations = JSON.stringify([row.reply_to_seq, attachments, row.reactions]);
        return [Number(row.seq), `${row.id} ${row.rev} ${row.content.toString()} ${relations}`];
      }),
    ),
    countable: new Set(rows.filter((row) => row.countable).map((row) => Number(row.seq))),
    members: new Map(present.map((member) => [member.userId, memberText(member)])),
    metadata: stored!.metadata.toString(),
    marks: present.map(({ userId, deliveredSeq, readSeq }) => ({ userId, deliveredSeq, readSeq })),
  };
}

function applyChanges(kept: Snapshot, changes: Changes, viewerId: string | null): void {
  for (const { message } of changes.messages) {
    kept.messages.set(
      message.seq,
      `${message.id} ${message.rev} ${message.content} ${relationsText(message)}`,
    );
    if (message.deletedAtUs === null && message.senderId !== viewerId) kept.countable.add(message.seq);
    else kept.countable.delete(message.seq);
  }
  for (const record of changes.members) {
    if (record.leftSeq === null) kept.members.set(record.userId, memberText(record));
    else kept.members.delete(record.userId);
  }
  if (changes.conversation) kept.metadata = changes.conversation.metadata;
  kept.marks = changes.marks;
}

function relationsText({ replyTo, attachments, reactions }: Message): string {
  const given = reactions?.list.map(({ userId, reaction }) => `${userId} ${reaction}`).join(",") ?? null;
  return JSON.stringify([replyTo && String(replyTo.seq), attachments, given]);
}

function sorted(kept: Snapshot) {
  return {
    messages: [...kept.messages].sort(([one], [other]) => one - other),
    countable: [...kept.countable].sort((one, other) => one - other),
    members: [...kept.members].sort(),
    metadata: kept.metadata,
    marks: kept.marks.map((marks) => JSON.stringify(marks)).sort(),
  };
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
  const present = (await storedMembers(conversation.id)).filter((member) => member.leftSeq === null);
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
  const sees = (await snapshot(conversation.id, userId))!.messages.has(seq);
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
  const present = (await storedMembers(conversation.id)).filter((member) => member.leftSeq === null);
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
        const atCut = await snapshot(conversation.id, viewerId);
        if (!atCut && !fromNothing) return;
        // A difference from 0 is whole.
        const cut = fromNothing ? 0 : conversation.rev;
        const kept = cut === 0 ? nothingKept() : atCut!;
        let [sinceRev, sinceSeq] = [cut, knowsSeq ? (fromNothing ? 0 : conversation.seq) : null];
        for (const each of after) await perform(play, users, each);
        for (let pages = 0; ; pages++) {
          for (const each of between[pages] ?? []) await perform(play, users, each);
          const now = await snapshot(conversation.id, viewerId);
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
          const member = (await storedMembers(conversation.id)).find((each) => each.userId === viewerId);
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

test("a cursor from below the horizon, beyond the head or a history that is gone cannot be resumed, and 0 always can", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben]);
  await conversation.fill(anna, 30);
  await conversation.rename();
  const isExpired = async (given: Partial<ChangesRequest>) => {
    const answer = await changesOf(conversation, { viewerId: anna, ...given });
    const [joined] = (
      await reads.joinFacts(
        [
          {
            viewerId: anna,
            conversationId: conversation.id,
            since: { seq: 0, rev: given.sinceRev ?? 0, generation: given.generation ?? null },
          },
        ],
        [],
      )
    ).conversations;
    if (given.viewerId !== null) expect(joined!.isExpired).toBe(answer.isExpired);
    if (answer.isExpired) {
      expect(answer).toMatchObject({ messages: [], hasMore: false, next: { seq: 30, rev: 31 } });
      expect(answer).toMatchObject({ members: [], conversation: null, head: { rev: 31 } });
    }
    return answer.isExpired;
  };
  expect(await isExpired({ sinceRev: 31 })).toBe(false);
  expect(await isExpired({ sinceRev: 32 })).toBe(true);
  expect(await isExpired({ sinceRev: 32, viewerId: null })).toBe(true);
  expect(await isExpired({ sinceRev: 31, generation: null })).toBe(false);

  await database.sql("update conversation_heads set horizon_rev = 10 where conversation_id = $1", [
    conversation.id,
  ]);
  expect(await isExpired({ sinceRev: 9 })).toBe(true);
  expect(await isExpired({ sinceRev: 9, viewerId: null })).toBe(false);
  expect(await isExpired({ sinceRev: 10 })).toBe(false);
  expect(await isExpired({ sinceRev: 0 })).toBe(false);

  await database.sql("update store_generation set generation = 3");
  await database.sql("update conversation_heads set restored_rev = 20 where conversation_id = $1", [
    conversation.id,
  ]);
  expect(await isExpired({ sinceRev: 21, generation: 2 })).toBe(true);
  expect(await isExpired({ sinceRev: 21, generation: null })).toBe(true);
  expect(await isExpired({ sinceRev: 21, generation: null, viewerId: null })).toBe(false);
  expect(await isExpired({ sinceRev: 21, generation: 3 })).toBe(false);
  expect(await isExpired({ sinceRev: 20, generation: 2 })).toBe(false);
  // What the history before the last one has in common with this one is not known any more.
  expect(await isExpired({ sinceRev: 20, generation: 1 })).toBe(true);
  expect(await isExpired({ sinceRev: 20, generation: null })).toBe(true);
  expect(await isExpired({ sinceRev: 0, generation: null })).toBe(false);
  await database.sql("update store_generation set generation = 2");
  expect(await isExpired({ sinceRev: 20, generation: null })).toBe(false);
  await database.sql("update store_generation set generation = 3");
  expect((await changesOf(conversation, { viewerId: anna })).generation).toBe(3);
  await database.sql("update store_generation set generation = 1");
});

test("a difference to which there is nothing new reads a handful of pages, however long the log is", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben]);
  await conversation.fill(anna, 20_000);
  await conversation.edit(Array.from({ length: 5_000 }, (_, index) => 3 * index + 1));
  await database.sql("vacuum analyze messages");
  const pagesOf = async (given: Partial<ChangesRequest>) => {
    await changesOf(conversation, { viewerId: anna, ...given });
    return counting.pagesOfLast();
  };
  expect(await pagesOf({ sinceRev: conversation.rev })).toBeLessThan(20);
  // A page in the middle bisects, and passes over no message that was changed later.
  expect(await pagesOf({ sinceRev: 10_000, limit: 10 })).toBeLessThan(200);
});

test("I10: a page passes over a bounded number of changes that are not the viewer's to see, and the pages go on to the head", async () => {
  const [anna, late] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna]);
  await conversation.fill(anna, 12_000);
  await conversation.add(late);
  await conversation.fill(anna, 3);
  const joinedRev = conversation.rev;
  await database.sql("update messages set rev = $2::int8 + seq where conversation_id = $1 and seq <= 12000", [
    conversation.id,
    joinedRev,
  ]);
  await database.sql("update conversation_heads set rev = $2 where conversation_id = $1", [
    conversation.id,
    joinedRev + 12_000,
  ]);
  const reached: number[] = [];
  for (let sinceRev = joinedRev, hasMore = true; hasMore; ) {
    const page = await changesOf(conversation, { viewerId: late, sinceRev, limit: 500 });
    expect(page.messages).toEqual([]);
    sinceRev = page.next.rev;
    reached.push(sinceRev - joinedRev);
    hasMore = page.hasMore;
    expect(page.next.seq).toBe(12_003);
  }
  expect(reached).toEqual([5_001, 10_002, 12_000]);
  const seen = await changesOf(conversation, { viewerId: anna, sinceRev: joinedRev, limit: 500 });
  expect([seen.messages.length, seen.hasMore, seen.next.rev - joinedRev]).toEqual([500, true, 500]);
});

test("I10: reactions count against the bytes of a page, and the pages are the whole difference", async () => {
  const anna = newId();
  const conversation = await StoredConversation.of(database, [anna]);
  await conversation.fill(anna, 60);
  await database.sql(
    `insert into message_reactions (conversation_id, seq, user_id, reaction, id, reacted_at)
    select $1, seq, gen_random_uuid(), 'r' || n, gen_random_uuid(), now() + n * interval '1 microsecond'
    from generate_series(1, 60) seq, generate_series(1, 300) n`,
    [conversation.id],
  );
  await database.sql("update messages set rev = 60 + seq where conversation_id = $1", [conversation.id]);
  await database.sql("update conversation_heads set rev = 120 where conversation_id = $1", [conversation.id]);
  const seqs: number[] = [];
  for (let sinceRev = 60, hasMore = true; hasMore; ) {
    const page = await changesOf(conversation, { viewerId: anna, sinceRev, limit: 500 });
    expect(page.messages.length).toBeLessThanOrEqual(21);
    seqs.push(...page.messages.map(({ message }) => message.seq));
    sinceRev = page.next.rev;
    hasMore = page.hasMore;
  }
  expect(seqs).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
});

test("I6, I10: a page holds a bounded number of members' records, never a part of those of one revision, and the pages are all of them", async () => {
  const [anna, ...crowd] = Array.from({ length: 951 }, () => newId()) as [string, ...string[]];
  const conversation = await StoredConversation.of(database, [anna]);
  const came = new Map<string, number>();
  const add = async (userIds: readonly string[]) => {
    await conversation.add(...userIds);
    for (const userId of userIds) came.set(userId, conversation.rev);
  };
  await add(crowd);
  for (const userId of crowd.slice(0, 5)) {
    await conversation.remove(userId);
    came.set(userId, conversation.rev);
  }
  await conversation.send(anna, { count: 3 });
  for (let group = 0; group < 3; group++) await add(Array.from({ length: 400 }, () => newId()));
  const seen = new Map<string, number>();
  const pages: number[] = [];
  for (let sinceRev = 0, hasMore = true; hasMore; ) {
    const page = await changesOf(conversation, { viewerId: anna, sinceRev, limit: 500 });
    for (const { userId, rev } of page.members) {
      expect(rev).toBeLessThanOrEqual(page.next.rev);
      seen.set(userId, rev);
    }
    pages.push(page.members.length);
    expect(page.next.rev).toBeGreaterThan(sinceRev);
    sinceRev = page.next.rev;
    hasMore = page.hasMore;
  }
  expect(seen).toEqual(came.set(anna, 0));
  expect(pages.length).toBeGreaterThan(2);
  expect(Math.max(...pages)).toBeLessThanOrEqual(1_000);
  const node = await changesOf(conversation, { viewerId: null, sinceRev: 1, limit: 1 });
  expect(node.members.length).toBe([...came.values()].filter((rev) => rev > 1).length);
});
