import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/processes/counting-pool.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { openPool } from "../connections/database.ts";
import { PostgresSyncReads } from "./sync-reads.ts";

let database: MigratedDatabase;
let pool: ReturnType<typeof openPool>;
let counting: CountingPool;
let reads: PostgresSyncReads;

beforeAll(async () => {
  database = await migratedDatabase();
  pool = openPool(database.settings, () => {});
  counting = new CountingPool({ pool });
  reads = new PostgresSyncReads({ reads: counting });
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
