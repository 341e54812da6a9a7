import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { CreatedDirect } from "../core/ports/conversation-creation.ts";
import { newId, systemClock } from "../system.ts";
import { noteTaker } from "../testing/builders/builders.ts";
import { eventually } from "../testing/eventually.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { startWriter, type Writer } from "../testing/processes/writer-on-postgres.ts";
import { PostgresBlocks } from "./blocks.ts";
import { changeBlock } from "./change-block.ts";

let writer: Writer;
let blocks: PostgresBlocks;
let calls = 0;

beforeAll(async () => {
  writer = await startWriter();
  blocks = new PostgresBlocks({
    settings: writer.database.settings,
    clock: systemClock,
    observer: noteTaker().observer,
  });
  blocks.subscribe(() => calls++);
  await eventually("the first call", () => calls > 0);
}, 120_000);
afterAll(async () => {
  await blocks.stop();
  await writer.close();
});

/** Nobody owns the database here, so that nobody waits. */
const say = (blockerId: string, blockedId: string, isBlocked = true) =>
  changeBlock(
    writer.database.settings.url,
    { blockerId, blockedId, isBlocked, atUs: systemClock.nowUs() },
    1_000,
  );

const create = (creatorId: string, otherUserId: string): Promise<CreatedDirect> =>
  writer.creation.createDirect({
    type: "create_direct",
    id: newId(),
    creatorId,
    otherUserId,
    atUs: systemClock.nowUs(),
  });

async function created(creatorId: string, otherUserId: string): Promise<string> {
  const made = await create(creatorId, otherUserId);
  if (made.type !== "exists") throw new Error("blocked");
  return made.conversationId;
}

async function pendingOf(userId: string) {
  const all = await blocks.pending(null, 1_000);
  return all.find(({ lowId, highId }) => lowId === userId || highId === userId);
}

test("a conversation from before there were blocks is found by its two", async () => {
  const [anna, ben] = [newId(), newId()];
  const id = await created(anna, ben);
  await writer.database.sql("delete from direct_pairs where low_id in ($1, $2)", [anna, ben]);
  await say(anna, ben);
  expect((await pendingOf(anna))!.conversation!.id).toBe(id);
  expect(await create(ben, anna)).toEqual({ type: "blocked", by: "other" });
});

test("I8: who blocks and who begins the conversation at the same moment do not pass each other", async () => {
  for (let round = 0; round < 40; round++) {
    const [anna, ben] = [newId(), newId()];
    const [, ...made] = await Promise.all([
      say(anna, ben),
      create(ben, anna),
      create(anna, ben),
      create(ben, anna),
    ]);
    const pair = (await pendingOf(anna))!;
    const begun = made.some(({ type }) => type === "exists");
    // Either it was there before the block, and the block finds it, or there is none.
    expect(pair.conversation !== null).toBe(begun);
    expect((await create(ben, anna)).type).toBe("blocked");
    const rows = await writer.database.sql("select 1 from conversations where direct_low = $1", [
      [anna, ben].sort()[0],
    ]);
    expect(rows).toHaveLength(begun ? 1 : 0);
  }
}, 180_000);

/** A session that holds what it wrote until it is told how to end. */
async function holding(
  text: string,
  values: readonly unknown[],
): Promise<(end: "commit" | "rollback") => Promise<void>> {
  const client = await outsideClient(writer.database.url);
  await client.query("begin");
  await client.query(text, [...values]);
  return async (end) => {
    await client.query(end);
    await client.end();
  };
}

/** Until a statement with this text waits for a lock. */
const waiting = (text: string) =>
  eventually(`${text} to wait`, async () => {
    const rows = await writer.database.sql(
      `select 1 from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database() and position($1 in query) > 0`,
      [text],
    );
    return rows.length > 0;
  });

/** Everything that a creation would write. */
async function writtenFor(low: string, high: string): Promise<unknown> {
  const [row] = await writer.database.sql(
    `select (select count(*)::int from conversations where direct_low = $1 and direct_high = $2) as conversations,
      (select count(*)::int from conversation_members where user_id in ($1, $2)) as members`,
    [low, high],
  );
  return row;
}

describe("I8: a creation that comes while a block is being written", () => {
  test.each([
    ["its creator blocks", "low_blocks_since", "creator"],
    ["the other one blocks", "high_blocks_since", "other"],
  ])("waits for it, and writes nothing: %s", async (_, column, by) => {
    const [low, high] = [newId(), newId()].sort() as [string, string];
    const block = `insert into direct_pairs (low_id, high_id, ${column}) values ($1, $2, now())`;
    const end = await holding(block, [low, high]);
    const creating = create(low, high);
    await waiting("insert into direct_pairs");
    await end("commit");
    expect(await creating).toEqual({ type: "blocked", by: by as "creator" });
    expect(await writtenFor(low, high)).toEqual({ conversations: 0, members: 0 });
  });

  test("waits for one on a pair that is there already, too", async () => {
    const [low, high] = [newId(), newId()].sort() as [string, string];
    await say(low, high);
    await say(low, high, false);
    const block = "update direct_pairs set low_blocks_since = now() where low_id = $1 and high_id = $2";
    const end = await holding(block, [low, high]);
    const creating = create(high, low);
    await waiting("insert into direct_pairs");
    await end("commit");
    expect(await creating).toEqual({ type: "blocked", by: "other" });
    expect(await writtenFor(low, high)).toEqual({ conversations: 0, members: 0 });
  });

  test("begins the conversation when the block is taken back", async () => {
    const [low, high] = [newId(), newId()].sort() as [string, string];
    const block = "insert into direct_pairs (low_id, high_id, low_blocks_since) values ($1, $2, now())";
    const end = await holding(block, [low, high]);
    const creating = create(low, high);
    await waiting("insert into direct_pairs");
    await end("rollback");
    expect(await creating).toMatchObject({ type: "exists", created: true });
    expect(await writtenFor(low, high)).toEqual({ conversations: 1, members: 2 });
  });
});

test("I8: a block that comes while the conversation is being created waits for it, and finds it", async () => {
  const [low, high] = [newId(), newId()].sort() as [string, string];
  // Holds the creation between the pair and the conversation.
  const rival =
    "insert into conversations (id, type, created_at, updated_at, direct_low, direct_high) values ($1, 'direct', now(), now(), $2, $3)";
  const end = await holding(rival, [newId(), low, high]);
  const creating = create(low, high);
  await waiting("insert into direct_pairs as p (low_id, high_id) values");
  const blocking = say(high, low);
  await waiting("pg_notify");
  await end("rollback");
  const made = await creating;
  expect(made).toMatchObject({ type: "exists", created: true });
  await blocking;
  expect((await pendingOf(low))!.conversation).toMatchObject({
    id: made.type === "exists" ? made.conversationId : "none",
  });
  expect((await create(low, high)).type).toBe("blocked");
});

test("a pair of which a member row is missing, or cannot be read, is returned as such; the others are returned as ever", async () => {
  const [whole, halved, broken] = await Promise.all(
    [0, 1, 2].map(async () => {
      const [anna, ben] = [newId(), newId()];
      const id = await created(anna, ben);
      await say(anna, ben);
      return { anna, ben, id };
    }),
  );
  const { sql } = writer.database;
  await sql("delete from conversation_members where conversation_id = $1 and user_id = $2", [
    halved!.id,
    halved!.anna,
  ]);
  await sql("update conversation_members set joined_at = 'infinity' where conversation_id = $1", [
    broken!.id,
  ]);
  const sides = (await pendingOf(halved!.anna))!.conversation!.sides;
  expect(sides.map(({ userId, member, isBlocked }) => [userId, member?.userId, isBlocked])).toEqual(
    [halved!.anna, halved!.ben]
      .sort()
      .map((userId) => [userId, userId === halved!.anna ? undefined : userId, userId === halved!.ben]),
  );
  expect(await pendingOf(broken!.anna)).toMatchObject({ conversation: null, unreadable: expect.any(String) });
  expect(await pendingOf(whole!.anna)).toMatchObject({ conversation: { id: whole!.id }, unreadable: null });
});

describe("I8: a group that is created while a block is being written", () => {
  const createGroup = (creatorId: string, otherUserIds: readonly string[], id = newId()) =>
    writer.creation.createGroup({
      type: "create_group",
      id,
      creatorId,
      otherUserIds,
      metadata: "{}",
      atUs: systemClock.nowUs(),
    });

  test("waits for it, and is none; without the block it is one", async () => {
    for (const ending of ["commit", "rollback"] as const) {
      const [low, high] = [newId(), newId()].sort() as [string, string];
      const block = "insert into direct_pairs (low_id, high_id, low_blocks_since) values ($1, $2, now())";
      const end = await holding(block, [low, high]);
      const creating = createGroup(high, [newId(), low]);
      await waiting("insert into direct_pairs");
      await end(ending);
      expect(await creating).toMatchObject(
        ending === "commit"
          ? { type: "blocked", by: "others", userIds: [low] }
          : { type: "exists", created: true },
      );
      expect(await writtenFor(low, high)).toMatchObject({ members: ending === "commit" ? 0 : 2 });
    }
  });

  test("two that name the same users in another order do not wait for each other for ever", async () => {
    const [anna, ...others] = Array.from({ length: 40 }, () => newId()) as [string, ...string[]];
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, index) => createGroup(anna, index % 2 ? others : others.toReversed())),
    );
    for (const each of made) expect(each).toMatchObject({ type: "exists", created: true });
  });
});
