import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { statusOf } from "../../core/messages/marks.ts";
import type { HistoryCursor, ReadHistory } from "../../core/queries.ts";
import { newId, systemClock } from "../../system.ts";
import { baseUs, StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/counting-pool.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { openPool } from "../connections/database.ts";
import { PostgresConversationCreation } from "../conversation-creation.ts";
import { PostgresViewerReads } from "./viewer-reads.ts";

let database: MigratedDatabase;
let pool: ReturnType<typeof openPool>;
let counting: CountingPool;
let reads: PostgresViewerReads;
let creation: PostgresConversationCreation;

beforeAll(async () => {
  database = await migratedDatabase();
  pool = openPool(database.settings, () => {});
  counting = new CountingPool({ pool });
  reads = new PostgresViewerReads({ reads: counting });
  creation = new PostgresConversationCreation({ reads: counting });
}, 120_000);

afterAll(async () => {
  await pool.end();
  await database.close();
});

/** Messages whose times are these many microseconds after the start of 2026. */
async function aLog(viewerId: string, timesUs: readonly number[]): Promise<StoredConversation> {
  const conversation = await StoredConversation.of(database, [viewerId]);
  for (const us of timesUs) await conversation.send(viewerId, { sentAtUs: baseUs + us });
  return conversation;
}

function historyOf(conversationId: string, viewerId: string, given: Partial<ReadHistory> = {}) {
  return reads.readHistory({
    type: "read_history",
    viewerId,
    conversationId,
    before: null,
    after: null,
    limit: 50,
    ...given,
  });
}

function list(viewerId: string, limit = 50, offset = 0) {
  return reads.listConversations({ type: "list_conversations", viewerId, limit, offset });
}

const cursors = fc.option(
  fc.oneof(
    fc.record({ by: fc.constant("seq" as const), seq: fc.integer({ min: 0, max: 45 }) }),
    fc.record({ by: fc.constant("id" as const), place: fc.integer({ min: 1, max: 40 }) }),
    fc.record({
      by: fc.constant("time" as const),
      place: fc.integer({ min: 1, max: 40 }),
      offUs: fc.integer({ min: -2, max: 2 }),
    }),
  ),
);

test("a page of history by seq, id or time, before, after or between, is exactly that part of the log, newest first", async () => {
  const anna = newId();
  const times = Array.from({ length: 40 }, (_, index) => index * 3 + (index % 7 === 0 ? 0 : 1));
  const { id, messageIds: ids } = await aLog(anna, times);
  const toCursor = (
    given: { by: string; seq?: number; place?: number; offUs?: number } | null,
  ): HistoryCursor | null => {
    if (!given) return null;
    if (given.by === "seq") return { by: "seq", seq: given.seq! };
    if (given.by === "id") return { by: "id", id: ids[given.place! - 1]! };
    return { by: "time", timeUs: baseUs + times[given.place! - 1]! + given.offUs! };
  };
  const log = times.map((us, index) => ({ seq: index + 1, id: ids[index]!, sentAtUs: baseUs + us }));
  const isOlder = (message: (typeof log)[number], cursor: HistoryCursor) => {
    if (cursor.by === "seq") return message.seq < cursor.seq;
    if (cursor.by === "id") return message.seq < ids.indexOf(cursor.id) + 1;
    return message.sentAtUs < cursor.timeUs;
  };
  const isNewer = (message: (typeof log)[number], cursor: HistoryCursor) => {
    if (cursor.by === "seq") return message.seq > cursor.seq;
    if (cursor.by === "id") return message.seq > ids.indexOf(cursor.id) + 1;
    return message.sentAtUs > cursor.timeUs;
  };
  await fc.assert(
    fc.asyncProperty(cursors, cursors, fc.integer({ min: 1, max: 50 }), async (before, after, limit) => {
      const query = { before: toCursor(before), after: toCursor(after), limit };
      const within = log.filter(
        (message) =>
          (!query.before || isOlder(message, query.before)) &&
          (!query.after || isNewer(message, query.after)),
      );
      const page = query.after && !query.before ? within.slice(0, limit) : within.slice(-limit);
      const read = await historyOf(id, anna, query);
      expect(read.messages.map(({ message }) => [message.seq, message.id, message.sentAtUs])).toEqual(
        page.toReversed().map((message) => [message.seq, message.id, message.sentAtUs]),
      );
      expect(read.hasMore).toBe(within.length > limit);
      expect(read.total).toBe(log.length);
      expect(read.membership).toEqual({ role: "owner" });
    }),
    { numRuns: 200 },
  );
}, 180_000);

test("an unknown id as a cursor is an empty page, and so is a message of another conversation or from before the membership", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await aLog(anna, [1, 2, 3]);
  const other = await aLog(anna, [1]);
  await conversation.add(ben);
  await conversation.send(anna);
  const empty = { messages: [], hasMore: false };
  for (const where of ["before", "after"] as const) {
    for (const id of [newId(), other.messageIds[0]!])
      expect(await historyOf(conversation.id, anna, { [where]: { by: "id", id } })).toEqual({
        membership: { role: "owner" },
        ...empty,
        total: 4,
      });
    const before = { [where]: { by: "id", id: conversation.messageIds[1]! } };
    expect(await historyOf(conversation.id, ben, before)).toEqual({
      membership: { role: "member" },
      ...empty,
      total: 1,
    });
  }
});

test("I8: strangers, and those who were members, read nothing, and cannot tell whether the conversation exists", async () => {
  const [anna, gone, stranger] = [newId(), newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, gone]);
  await conversation.fill(gone, 2);
  await conversation.remove(gone);
  const cursors = [
    null,
    { by: "id", id: conversation.messageIds[1]! },
    { by: "time", timeUs: baseUs + 5 },
  ] as const;
  for (const viewerId of [stranger, gone]) {
    for (const conversationId of [conversation.id, newId()]) {
      for (const before of cursors)
        expect(await historyOf(conversationId, viewerId, { before })).toEqual({
          membership: null,
          messages: [],
          hasMore: false,
          total: 0,
        });
      expect(await reads.showConversation(viewerId, conversationId)).toEqual({
        membership: null,
        summary: null,
      });
    }
    expect(await list(viewerId)).toEqual({ summaries: [], hasMore: false });
  }
});

test("a member who came later sees the log from there, by whatever cursor, and the members of now", async () => {
  const [anna, ben, carl] = [newId(), newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben]);
  await conversation.fill(anna, 5);
  await conversation.remove(ben);
  await conversation.add(carl);
  expect((await list(carl)).summaries[0]).toMatchObject({ lastMessage: null, unreadCount: 0 });
  await conversation.send(anna);
  await conversation.send(anna);
  const cursors: Partial<ReadHistory>[] = [
    {},
    { after: { by: "seq", seq: 1 } },
    { after: { by: "time", timeUs: baseUs } },
    { before: { by: "seq", seq: 8 }, after: { by: "seq", seq: 2 } },
  ];
  for (const cursor of cursors) {
    const page = await historyOf(conversation.id, carl, cursor);
    expect(page.messages.map(({ message }) => message.seq)).toEqual([7, 6]);
    expect(page.total).toBe(2);
  }
  const { summary } = await reads.showConversation(carl, conversation.id);
  expect(summary).toMatchObject({ lastMessage: { message: { seq: 7 } }, unreadCount: 2, messageCount: 2 });
  expect(summary?.conversation.members).toEqual([
    { userId: anna, role: "owner", joinedAtUs: baseUs, joinedSeq: 0, joinedRev: 0 },
    { userId: carl, role: "member", joinedAtUs: baseUs + 1_000_006, joinedSeq: 5, joinedRev: 7 },
  ]);
});

test("a list is one query, newest activity first, whatever the number of conversations", async () => {
  const anna = newId();
  const ids: string[] = [];
  const conversations = new Map<string, StoredConversation>();
  for (let index = 0; index < 30; index++) {
    const conversation = await StoredConversation.of(database, [anna, newId()]);
    conversations.set(conversation.id, conversation);
    ids.push(conversation.id);
  }
  const farUs = baseUs + 365 * 24 * 3_600 * 1_000_000;
  await conversations.get(ids[3]!)!.send(anna, { sentAtUs: farUs + 1 });
  await conversations.get(ids[17]!)!.send(anna, { count: 2, sentAtUs: farUs + 2 });
  const written = [ids[3]!, ids[17]!];
  const expected = [
    ids[17]!,
    ids[3]!,
    ...ids
      .filter((id) => !written.includes(id))
      .sort()
      .reverse(),
  ];
  for (const limit of [5, 30, 100]) {
    counting.queries = 0;
    const page = await list(anna, limit);
    expect(counting.queries).toBe(1);
    expect(page.hasMore).toBe(limit < 30);
    expect(page.summaries.map(({ conversation }) => conversation.id)).toEqual(expected.slice(0, limit));
  }
  const { summaries } = await list(anna, 2, 1);
  expect(summaries.map(({ conversation }) => conversation.id)).toEqual(expected.slice(1, 3));
  expect(summaries[0]?.lastMessage).toMatchObject({ message: { seq: 1, content: "text 1" }, status: "sent" });
  expect(summaries.map(({ memberCount }) => memberCount)).toEqual([2, 2]);
});

test("I10: a list reads a page of what was written last, the smallest first; a large message costs no conversation its place", async () => {
  const anna = newId();
  const sizes = [60_000, 10, 60_000, 200];
  const conversations: StoredConversation[] = [];
  for (let index = 0; index < 40; index++) {
    const conversation = await StoredConversation.of(database, [anna, newId()]);
    await conversation.send(anna, { content: "x".repeat(sizes[index % 4]!) });
    conversations.push(conversation);
  }
  const { summaries, hasMore } = await list(anna);
  expect([summaries.length, hasMore]).toEqual([40, false]);
  const lengths = summaries.map(({ lastMessage }) => lastMessage!.message.content.length);
  const between = (least: number, most: number) =>
    lengths.filter((each) => each >= least && each <= most).length;
  expect([between(10, 15), between(200, 210), between(60_000, 60_010), between(0, 0)]).toEqual([
    10, 10, 17, 3,
  ]);
  for (const { lastMessage } of summaries.filter((each) => each.lastMessage?.message.content === ""))
    expect(lastMessage).toMatchObject({
      isPartial: true,
      status: "sent",
      message: { metadata: "{}", seq: 1 },
    });
});

test("I10: a list names a hundred members of a large group, the longest-standing ones, and counts all", async () => {
  const [anna, ...others] = Array.from({ length: 250 }, () => newId()) as [string, ...string[]];
  const conversation = await StoredConversation.of(database, [anna]);
  await conversation.add(...others.slice(0, 150));
  await conversation.add(...others.slice(150));
  await conversation.send(anna);
  for (const userId of others) await conversation.mark(userId, 1, 0);
  const [summary] = (await list(anna)).summaries;
  expect(summary).toMatchObject({ memberCount: 250, lastMessage: { status: "delivered" } });
  const named = summary!.conversation.memberUserIds;
  expect([named.length, named[0]]).toEqual([100, anna]);
  expect(named.every((userId) => userId === anna || others.indexOf(userId) < 150)).toBe(true);
});

test("unread are the others' messages that are not deleted, after what was read, or from where it was marked as unread", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben]);
  const unread = async () => {
    const { summary } = await reads.showConversation(anna, conversation.id);
    expect((await list(anna)).summaries[0]?.unreadCount).toBe(summary!.unreadCount);
    return summary!.unreadCount;
  };
  expect(await unread()).toBe(0);
  await conversation.fill(ben, 6);
  expect(await unread()).toBe(6);
  await conversation.mark(anna, 6, 2);
  expect(await unread()).toBe(4);
  await conversation.delete([2, 5]);
  expect(await unread()).toBe(3);
  await conversation.fill(anna, 2);
  expect(await unread()).toBe(3);
  await conversation.mark(anna, 8, 8);
  expect(await unread()).toBe(0);
  await markUnread(anna, conversation.id, 3);
  expect(await unread()).toBe(3);
  await conversation.send(ben);
  expect(await unread()).toBe(4);
  await markUnread(anna, conversation.id, null);
  expect(await unread()).toBe(1);
  // Marked above what is read anyway: it stays at what was read.
  await conversation.fill(ben, 3);
  await markUnread(anna, conversation.id, 12);
  expect(await unread()).toBe(4);
  // Who came back has the messages since then; a mark from before reaches no further.
  await markUnread(anna, conversation.id, 1);
  await conversation.remove(anna);
  await conversation.add(anna);
  await conversation.send(ben);
  expect(await unread()).toBe(1);
});

test("what is unread is counted to a thousand, and one's own messages are not looked at for ever", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben]);
  await conversation.fill(ben, 1_200);
  await conversation.fill(anna, 30_000);
  await database.sql("analyze messages");
  const { summary } = await reads.showConversation(anna, conversation.id);
  expect(summary?.unreadCount).toBe(1_000);
  expect((await reads.showConversation(ben, conversation.id)).summary?.unreadCount).toBe(1_000);
  await conversation.mark(anna, 1_200, 1_200);
  expect((await reads.showConversation(anna, conversation.id)).summary?.unreadCount).toBe(0);
  expect(await counting.pagesOfLast()).toBeLessThan(2_000);
});

async function markUnread(userId: string, conversationId: string, fromSeq: number | null): Promise<void> {
  await database.sql(
    `insert into conversation_settings (user_id, conversation_id, own_rev, unread_from_seq) values ($1, $2, 1, $3)
    on conflict (user_id, conversation_id) do update set unread_from_seq = $3`,
    [userId, conversationId, fromSeq],
  );
}

test("senders see how far their messages have come with those who were there and still are; the others' are just sent", async () => {
  const [anna, ben, carl, dora] = [newId(), newId(), newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben, carl]);
  await conversation.fill(anna, 4);
  await conversation.send(ben);
  await conversation.mark(ben, 5, 5);
  await conversation.mark(carl, 3, 2);
  await conversation.add(dora);
  const statuses = async (viewerId: string) =>
    (await historyOf(conversation.id, viewerId)).messages.map(({ status }) => status);
  expect(await statuses(anna)).toEqual(["sent", "sent", "delivered", "read", "read"]);
  expect(await statuses(ben)).toEqual(["sent", "sent", "sent", "sent", "sent"]);
  await conversation.remove(carl);
  expect(await statuses(anna)).toEqual(["sent", "read", "read", "read", "read"]);
  await conversation.send(anna);
  const last = async () => (await list(anna)).summaries[0]!.lastMessage!.status;
  expect(await last()).toBe("sent");
  await conversation.mark(ben, 6, 6);
  await conversation.mark(dora, 6, 0);
  expect(await last()).toBe("delivered");
  await conversation.mark(dora, 6, 6);
  expect(await last()).toBe("read");
  expect((await list(ben)).summaries[0]!.lastMessage!.status).toBe("sent");
  // The status is that of the rule, whatever the page.
  const { messages } = await historyOf(conversation.id, anna, { before: { by: "seq", seq: 3 } });
  const members = [anna, ben, dora].map((userId) => ({ userId, deliveredSeq: 6, readSeq: 6, joinedSeq: 0 }));
  for (const { message, status } of messages) expect(status).toBe(statusOf(message, members));
});

test("a deleted message keeps its place, without its content, and an edited one tells when", async () => {
  const anna = newId();
  const conversation = await aLog(anna, [1, 2, 3]);
  await conversation.edit([1]);
  await conversation.delete([3]);
  const { messages } = await historyOf(conversation.id, anna);
  expect(messages.map(({ message }) => message)).toMatchObject([
    { seq: 3, content: "", metadata: "{}", rev: 5, createdRev: 3, deletedAtUs: baseUs + 1_000_004 },
    { seq: 2, content: "text 2", rev: 2, createdRev: 2, deletedAtUs: null, editedAtUs: null },
    { seq: 1, content: "edited 4", rev: 4, createdRev: 1, deletedAtUs: null, editedAtUs: baseUs + 1_000_003 },
  ]);
  expect((await list(anna)).summaries[0]?.lastMessage?.message).toMatchObject({ seq: 3, content: "" });
});

test("a page at the end of a long log looks at a handful of pages, by whatever cursor", async () => {
  const anna = newId();
  const conversation = await StoredConversation.of(database, [anna]);
  await conversation.fill(anna, 20_000);
  await database.sql("analyze messages");
  const cursors: Partial<ReadHistory>[] = [
    {},
    { before: { by: "seq", seq: 10_000 } },
    { after: { by: "id", id: conversation.messageIds[9_000]! } },
    { before: { by: "time", timeUs: baseUs + 15_000 } },
  ];
  for (const cursor of cursors) {
    expect((await historyOf(conversation.id, anna, { ...cursor, limit: 20 })).messages).toHaveLength(20);
    expect(await counting.pagesOfLast()).toBeLessThan(150);
  }
});

test("50 people who create the same direct conversation at once get one, and it is whole", async () => {
  const [anna, ben] = [newId(), newId()];
  const made = await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const [creatorId, otherUserId] = index % 2 ? [anna, ben] : [ben, anna];
      return creation.createDirect({
        type: "create_direct",
        id: newId(),
        creatorId,
        otherUserId,
        atUs: systemClock.nowUs(),
      });
    }),
  );
  const all = made.filter((each) => each.type === "exists");
  expect(all).toHaveLength(50);
  expect(new Set(all.map(({ conversationId }) => conversationId)).size).toBe(1);
  expect(all.filter(({ created }) => created)).toHaveLength(1);
  const { summary } = await reads.showConversation(anna, all[0]!.conversationId);
  expect(summary?.conversation.members.map(({ userId }) => userId).sort()).toEqual([anna, ben].sort());
  expect(summary?.conversation.head).toEqual({ seq: 0, rev: 0, membersRev: 0, lastMessageAtUs: null });
  const count = await database.sql<{ n: number }>(
    "select count(*)::int as n from conversations where direct_low = $1 or direct_high = $1",
    [anna],
  );
  expect(count).toEqual([{ n: 1 }]);
});
