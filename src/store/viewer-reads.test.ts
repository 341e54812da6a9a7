import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type pg from "pg";
import type { Message } from "../core/messages/message.ts";
import type { HistoryCursor } from "../core/queries.ts";
import { newId, systemClock } from "../system.ts";
import { type MigratedDatabase, migratedDatabase } from "../testing/engine-on-postgres.ts";
import { PostgresConversationCreation } from "./conversation-creation.ts";
import { openPool, ReadPool } from "./database.ts";
import { PostgresViewerReads } from "./viewer-reads.ts";

class CountingPool extends ReadPool {
  queries = 0;

  override query<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    this.queries++;
    return super.query(query);
  }
}

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
}, 30_000);

afterAll(async () => {
  await pool.end();
  await database.close();
});

async function aConversation(creatorId: string): Promise<string> {
  const id = newId();
  await creation.createDirect({
    type: "create_direct",
    id,
    creatorId,
    otherUserId: newId(),
    atUs: systemClock.nowUs(),
  });
  return id;
}

const baseUs = 1_767_225_600_000_000;

/** Messages whose times are these many microseconds after the start of 2026. */
async function fill(id: string, senderId: string, timesUs: readonly number[]): Promise<string[]> {
  const rows = await database.sql<{ id: string }>(
    `insert into messages (id, conversation_id, seq, rev, sender_id, message_type, content, metadata, sent_at)
    select gen_random_uuid(), $1, place, place, $2, 0, convert_to('text ' || place, 'UTF8'), '{}',
      timestamptz '2026-01-01 00:00:00Z' + us * interval '1 microsecond'
    from unnest($3::int8[]) with ordinality each(us, place) order by place returning id`,
    [id, senderId, timesUs],
  );
  await database.sql(
    `update conversation_heads set seq = $2, rev = $2, last_message_at = timestamptz '2026-01-01 00:00:00Z' + $3::int8 * interval '1 microsecond'
    where conversation_id = $1`,
    [id, timesUs.length, timesUs.at(-1) ?? 0],
  );
  return rows.map((row) => row.id);
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
  const id = await aConversation(anna);
  const times = Array.from({ length: 40 }, (_, index) => index * 3 + (index % 7 === 0 ? 0 : 1));
  const ids = await fill(id, anna, times);
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
      const read = await reads.readHistory({
        type: "read_history",
        viewerId: anna,
        conversationId: id,
        ...query,
      });
      expect(read.messages.map((message) => [message.seq, message.id, message.sentAtUs])).toEqual(
        page.toReversed().map((message) => [message.seq, message.id, message.sentAtUs]),
      );
      expect(read.hasMore).toBe(within.length > limit);
      expect(read.membership).toEqual({ role: "owner" });
    }),
    { numRuns: 200 },
  );
}, 20_000);

test("an unknown id as a cursor is an empty page, and another conversation's message is unknown here", async () => {
  const anna = newId();
  const [id, other] = [await aConversation(anna), await aConversation(anna)];
  await fill(id, anna, [1, 2, 3]);
  const [foreign] = await fill(other, anna, [1]);
  for (const cursor of [newId(), foreign!])
    for (const where of ["before", "after"] as const) {
      const page = await reads.readHistory({
        type: "read_history",
        viewerId: anna,
        conversationId: id,
        before: null,
        after: null,
        limit: 10,
        [where]: { by: "id", id: cursor },
      });
      expect(page).toEqual({ membership: { role: "owner" }, messages: [], hasMore: false });
    }
});

test("I8: strangers read nothing, and cannot tell whether the conversation exists", async () => {
  const [anna, stranger] = [newId(), newId()];
  const id = await aConversation(anna);
  const [message] = await fill(id, anna, [1, 2]);
  for (const conversationId of [id, newId()]) {
    for (const before of [null, { by: "id", id: message! }, { by: "time", timeUs: baseUs + 5 }] as const) {
      const query = {
        type: "read_history",
        viewerId: stranger,
        conversationId,
        before,
        after: null,
        limit: 10,
      } as const;
      expect(await reads.readHistory(query)).toEqual({ membership: null, messages: [], hasMore: false });
    }
    expect(await reads.showConversation(stranger, conversationId)).toEqual({
      membership: null,
      summary: null,
    });
    expect(await reads.joinFacts([{ viewerId: stranger, conversationId }])).toEqual([
      { viewerId: stranger, conversationId, membership: null, conversation: null, head: null },
    ]);
  }
  const list = { type: "list_conversations", viewerId: stranger, limit: 10, offset: 0 } as const;
  expect(await reads.listConversations(list)).toEqual({ summaries: [], hasMore: false });
});

test("a list is one query, newest activity first, whatever the number of conversations", async () => {
  const anna = newId();
  const ids: string[] = [];
  for (let index = 0; index < 30; index++) ids.push(await aConversation(anna));
  const written = [ids[3]!, ids[17]!];
  const farUs = 365 * 24 * 3_600 * 1_000_000;
  await fill(written[0]!, anna, [farUs + 1]);
  await fill(written[1]!, anna, [1, farUs + 2]);
  const expected = [ids[17]!, ids[3]!, ...ids.filter((id) => !written.includes(id)).toReversed()];
  for (const limit of [5, 30, 100]) {
    counting.queries = 0;
    const page = await reads.listConversations({
      type: "list_conversations",
      viewerId: anna,
      limit,
      offset: 0,
    });
    expect(counting.queries).toBe(1);
    expect(page.hasMore).toBe(limit < 30);
    expect(page.summaries.map(({ conversation }) => conversation.id)).toEqual(expected.slice(0, limit));
  }
  const { summaries } = await reads.listConversations({
    type: "list_conversations",
    viewerId: anna,
    limit: 2,
    offset: 1,
  });
  expect(summaries.map(({ conversation }) => conversation.id)).toEqual(expected.slice(1, 3));
  expect(summaries[0]?.lastMessage).toMatchObject({ seq: 1, content: "text 1" } satisfies Partial<Message>);
  expect(summaries[0]?.conversation.members.map(({ role }) => role).sort()).toEqual(["member", "owner"]);
});

test("a thousand joins are one query, answered in the order in which they were asked", async () => {
  const anna = newId();
  const ids = await Promise.all(Array.from({ length: 20 }, () => aConversation(anna)));
  await fill(ids[4]!, anna, [1, 2, 3]);
  const questions = Array.from({ length: 1_000 }, (_, index) => ({
    viewerId: index % 3 === 2 ? newId() : anna,
    conversationId: ids[index % 20]!,
  }));
  counting.queries = 0;
  const answers = await reads.joinFacts(questions);
  expect(counting.queries).toBe(1);
  for (const [index, answer] of answers.entries()) {
    const { viewerId, conversationId } = questions[index]!;
    expect(answer).toMatchObject({ viewerId, conversationId });
    const seq = conversationId === ids[4] ? 3 : 0;
    expect(answer).toMatchObject(
      viewerId === anna
        ? { membership: { role: "owner" }, head: { seq, rev: seq } }
        : { membership: null, head: null, conversation: null },
    );
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
  expect(new Set(made.map(({ conversationId }) => conversationId)).size).toBe(1);
  expect(made.filter(({ created }) => created)).toHaveLength(1);
  const { summary } = await reads.showConversation(anna, made[0]!.conversationId);
  expect(summary?.conversation.members.map(({ userId }) => userId).sort()).toEqual([anna, ben].sort());
  expect(summary?.conversation.head).toEqual({ seq: 0, rev: 0, membersRev: 0, lastMessageAtUs: null });
  const count = await database.sql<{ n: number }>(
    "select count(*)::int as n from conversations where direct_low = $1 or direct_high = $1",
    [anna],
  );
  expect(count).toEqual([{ n: 1 }]);
});
