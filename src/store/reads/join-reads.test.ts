import { afterAll, beforeAll, expect, test } from "bun:test";
import type { JoinRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/counting-pool.ts";
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

const join = (viewerId: string, { id }: { id: string }, rev?: number): JoinRequest => ({
  viewerId,
  conversationId: id,
  since: rev === undefined ? null : { seq: rev, rev, generation: 1 },
});

async function seen(userId: string, deviceId: string, generation = 1): Promise<void> {
  await database.sql(
    "insert into devices (user_id, device_id, generation, first_seen_at) values ($1, $2, $3, now())",
    [userId, deviceId, generation],
  );
}

async function confirmed(userId: string, deviceId: string, { id }: { id: string }, seq: number, rev: number) {
  await database.sql(
    "insert into device_cursors (user_id, device_id, conversation_id, seq, rev) values ($1, $2, $3, $4, $5)",
    [userId, deviceId, id, seq, rev],
  );
}

async function standingsOf(viewerId: string, deviceId: string | null) {
  const { users } = await reads.joinFacts([], [{ viewerId, deviceId }]);
  return users[0]!.standings;
}

test("joins of 500 conversations and of 500 users are one query, answered in the order in which they were asked", async () => {
  const [anna, ben, stranger] = [newId(), newId(), newId()];
  const conversations = await Promise.all(
    Array.from({ length: 20 }, () => StoredConversation.of(database, [anna, ben])),
  );
  await conversations[4]!.fill(anna, 3);
  await conversations[5]!.remove(ben);
  await seen(anna, "phone");
  const viewers = [anna, ben, stranger];
  const asked = Array.from({ length: 500 }, (_, index) =>
    join(viewers[index % 3]!, conversations[index % 20]!, index % 2 ? 0 : undefined),
  );
  const users = Array.from({ length: 500 }, (_, index) => ({
    viewerId: viewers[index % 3]!,
    deviceId: index % 2 ? "phone" : null,
  }));
  counting.queries = 0;
  const facts = await reads.joinFacts(asked, users);
  expect(counting.queries).toBe(1);
  for (const [index, answer] of facts.conversations.entries()) {
    const { viewerId, conversationId, since } = asked[index]!;
    const rev = conversationId === conversations[4]!.id ? 3 : conversationId === conversations[5]!.id ? 1 : 0;
    const sees = viewerId === anna || (viewerId === ben && conversationId !== conversations[5]!.id);
    expect(answer).toMatchObject({ viewerId, conversationId, isExpired: false, generation: 1 });
    expect(answer).toMatchObject(
      sees
        ? { membership: { role: viewerId === anna ? "owner" : "member" }, head: { rev } }
        : { membership: null, head: null, conversation: null, marks: [] },
    );
    const present = conversationId === conversations[5]!.id ? 1 : 2;
    expect(answer.marks).toHaveLength(sees && since ? present : 0);
  }
  for (const [index, answer] of facts.users.entries()) {
    const { viewerId, deviceId } = users[index]!;
    expect(answer.generation).toBe(1);
    expect(answer.deviceGeneration).toBe(viewerId === anna && deviceId === "phone" ? 1 : null);
    expect(answer.standings).toHaveLength(viewerId === anna ? 20 : viewerId === ben ? 19 : 0);
  }
});

test("a join that resumes is told the marks of every member, and whether its cursor still is good", async () => {
  const [anna, ben, gone] = [newId(), newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, gone]);
  await conversation.fill(anna, 3);
  await conversation.mark(anna, 3, 3);
  await conversation.remove(gone);
  await conversation.add(ben);
  await conversation.mark(ben, 2, 1);
  const { conversations } = await reads.joinFacts(
    [
      join(ben, conversation, 5),
      join(ben, conversation, 4),
      join(ben, conversation, 6),
      join(ben, conversation),
    ],
    [],
  );
  expect(conversations.map(({ isExpired }) => isExpired)).toEqual([false, true, true, false]);
  expect(conversations[0]!.marks.toSorted((one, other) => other.readSeq - one.readSeq)).toEqual([
    { userId: anna, deliveredSeq: 3, readSeq: 3 },
    { userId: ben, deliveredSeq: 2, readSeq: 1 },
  ]);
  expect(conversations[3]!.marks).toEqual([]);
  expect(conversations[3]!).toMatchObject({
    conversation: { id: conversation.id, type: "group", metadata: "{}", isActive: true },
    head: { seq: 3, rev: 5, membersRev: 5 },
  });
});

test("a device stands where it has confirmed, where it has not at the begin of the membership, and one that nobody knows at the heads", async () => {
  const [anna, ben] = [newId(), newId()];
  const confirmedOne = await StoredConversation.of(database, [anna, ben]);
  const untouched = await StoredConversation.of(database, [anna, ben]);
  const later = await StoredConversation.of(database, [ben]);
  const left = await StoredConversation.of(database, [anna, ben]);
  await confirmedOne.fill(ben, 5);
  await untouched.fill(ben, 2);
  await later.fill(ben, 3);
  await later.add(anna);
  await later.send(ben);
  await left.remove(anna);
  await seen(anna, "phone");
  await confirmed(anna, "phone", confirmedOne, 3, 3);
  const at = (
    { id: conversationId, seq: headSeq, rev: headRev }: StoredConversation,
    seq: number,
    rev: number,
  ) => ({
    conversationId,
    headSeq,
    headRev,
    seq,
    rev,
  });
  const byId = <Each extends { conversationId: string }>(standings: readonly Each[]) =>
    standings.toSorted((one, other) => (one.conversationId < other.conversationId ? -1 : 1));
  expect(byId(await standingsOf(anna, "phone"))).toEqual(
    byId([at(confirmedOne, 3, 3), at(untouched, 0, 0), at(later, 3, 4)]),
  );
  const heads = byId([at(confirmedOne, 5, 5), at(untouched, 2, 2), at(later, 4, 5)]);
  expect(byId(await standingsOf(anna, "another"))).toEqual(heads);
  expect(byId(await standingsOf(anna, null))).toEqual(heads);
  // Seen in a history that is gone: what it had confirmed there is worth nothing.
  await database.sql("update store_generation set generation = 2");
  expect(byId(await standingsOf(anna, "phone"))).toEqual(heads);
  expect((await reads.joinFacts([], [{ viewerId: anna, deviceId: "phone" }])).users[0]).toMatchObject({
    generation: 2,
    deviceGeneration: 1,
  });
  await database.sql("update store_generation set generation = 1");
});

test("a cursor from before a membership that began again is told as it is, so that the difference from there is refused", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [ben, anna]);
  await seen(anna, "phone");
  await conversation.fill(ben, 2);
  await confirmed(anna, "phone", conversation, 2, 2);
  await conversation.remove(anna);
  await conversation.add(anna);
  const [standing] = await standingsOf(anna, "phone");
  expect(standing).toMatchObject({ seq: 2, rev: 2, headRev: 4 });
  const [changes] = await reads.changes([
    {
      conversationId: conversation.id,
      viewerId: anna,
      sinceRev: standing!.rev,
      sinceSeq: standing!.seq,
      generation: 1,
      limit: 10,
    },
  ]);
  expect(changes!.isExpired).toBe(true);
});

test("a user of 500 conversations joins with one row", async () => {
  const anna = newId();
  const conversations = await Promise.all(
    Array.from({ length: 500 }, () => StoredConversation.of(database, [anna])),
  );
  await seen(anna, "phone");
  counting.queries = 0;
  const standings = await standingsOf(anna, "phone");
  expect(counting.queries).toBe(1);
  expect(new Set(standings.map(({ conversationId }) => conversationId))).toEqual(
    new Set(conversations.map(({ id }) => id)),
  );
}, 180_000);
