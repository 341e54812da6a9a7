import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMark, aMemberEvent, aSending, changeOf, startUs } from "../../testing/builders/changes.ts";
import { inTurns, startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { changeBlock } from "../change-block.ts";
import { newGeneration } from "../ownership/generation.ts";
import { PostgresDeviceCursors } from "../private/device-cursors.ts";
import { PostgresOwnState } from "../private/own-state.ts";
import { inspectUser } from "./user.ts";

const all = { limit: 100, offset: 0 };

let writer: Writer;
let cursors: PostgresDeviceCursors;
beforeAll(async () => {
  writer = await startWriter();
  cursors = new PostgresDeviceCursors({ reads: writer.reads });
}, 120_000);
afterAll(() => writer.close());

/** A group of the user's own with as many messages, whose log nobody has read. */
async function aGroupOf(userId: string, messages: number): Promise<string> {
  const { id } = await writer.aGroup(2);
  const joined = aMemberEvent("member_added", id, { userId, rev: 1, joinedRev: 1 });
  await writer.append({ changes: [changeOf(id, 1, joined)] });
  await inTurns(messages, (index) => {
    const sending = aSending(id, index + 1, { rev: index + 2, createdRev: index + 2, content: "a secret" });
    return writer.append({ changes: [sending] });
  });
  return id;
}

test("operators see where a user is a member, in which role, and what he has not received, and never what was written", async () => {
  const { id: owned, members } = await writer.aGroup(1);
  const [anna] = members as [string];
  const joined = await aGroupOf(anna, 3);
  const left = await aGroupOf(anna, 1);
  const gone = aMemberEvent("member_removed", left, { userId: anna, rev: 3, leftSeq: 1, leftAtUs: startUs });
  await writer.append({
    changes: [changeOf(left, 3, gone)],
    marks: [aMark(joined, anna, { delivered: 2, read: 1 })],
  });
  const found = await inspectUser(writer.database.url, anna, all);
  expect(found).toMatchObject({
    id: anna,
    ownRev: 0,
    conversationCount: 2,
    roles: { owner: 1, member: 1 },
    formerCount: 1,
    deviceCount: 0,
    devices: [],
  });
  const shown = new Map(found!.conversations.map((each) => [each.conversationId, each]));
  expect(shown.get(joined)).toMatchObject({ type: "group", headSeq: 3, undelivered: 1, unread: 2 });
  expect(shown.get(owned)).toMatchObject({ role: "owner", headSeq: 0, undelivered: 0, lastMessageAt: null });
  expect(JSON.stringify(found)).not.toContain("secret");
});

test("how far each device is behind is counted from what it has confirmed", async () => {
  const anna = newId();
  const [one, other] = [await aGroupOf(anna, 0), await aGroupOf(anna, 0)];
  for (const deviceId of ["phone", "tablet"]) await cursors.register({ userId: anna, deviceId }, startUs);
  for (const id of [one, other]) {
    await inTurns(3, (index) =>
      writer.append({ changes: [aSending(id, index + 1, { rev: index + 2, createdRev: index + 2 })] }),
    );
  }
  const confirmed = { userId: anna, deviceId: "phone", conversationId: one, seq: 2, rev: 3 };
  await cursors.save([confirmed, { ...confirmed, conversationId: other, seq: 3, rev: 4 }]);
  const { devices } = (await inspectUser(writer.database.url, anna, all))!;
  expect(devices).toMatchObject([
    { deviceId: "phone", isOfThisGeneration: true, cursors: 2, behind: 1, lag: 1 },
    { deviceId: "tablet", isOfThisGeneration: true, cursors: 2, behind: 2, lag: 6 },
  ]);
  await newGeneration(writer.database.url, startUs);
  const after = (await inspectUser(writer.database.url, anna, all))!.devices;
  expect(after).toMatchObject([
    { isOfThisGeneration: false, behind: 0, lag: 0 },
    { isOfThisGeneration: false, behind: 0, lag: 0 },
  ]);
});

test("private state is shown by its number only", async () => {
  const anna = newId();
  const conversationId = await aGroupOf(anna, 1);
  const [message] = await writer.database.sql<{ id: string }>(
    "select id from messages where conversation_id = $1",
    [conversationId],
  );
  const own = new PostgresOwnState({ reads: writer.reads });
  await own.markUnread({ type: "mark_unread", userId: anna, conversationId, messageId: message!.id });
  expect(await inspectUser(writer.database.url, anna, all)).toMatchObject({
    ownRev: 1,
    markedUnreadCount: 1,
  });
});

test("whom a user has blocked, who has blocked him, and when he was seen last are told", async () => {
  const [anna, ben, carl] = [newId(), newId(), newId()].toSorted() as [string, string, string];
  const block = (blockerId: string, blockedId: string, isBlocked = true) =>
    changeBlock(writer.database.url, { blockerId, blockedId, isBlocked, atUs: startUs }, 0);
  await block(ben, anna);
  await block(carl, ben);
  await block(ben, newId());
  await block(ben, carl);
  await block(ben, carl, false);
  await writer.database.sql("update direct_pairs set is_pending = false where low_id = $1", [anna]);
  await writer.database.sql("insert into user_last_seen (user_id, at) values ($1, '2026-01-01 01:00Z')", [
    ben,
  ]);
  const found = await inspectUser(writer.database.url, ben, all);
  const since = "2026-01-01T00:00:00.000000Z";
  expect(found).toMatchObject({ blockCount: 3, lastSeenAt: "2026-01-01T01:00:00.000000Z" });
  expect(found!.blocks.filter(({ userId }) => [anna, carl].includes(userId))).toEqual([
    { userId: anna, blockedSince: since, blockedBySince: null, isPending: false },
    { userId: carl, blockedSince: null, blockedBySince: since, isPending: true },
  ]);
});

test("many conversations are shown in pages", async () => {
  const anna = newId();
  const ids = await inTurns(5, () => aGroupOf(anna, 1));
  const pages = await Promise.all(
    [0, 2, 4].map((offset) => inspectUser(writer.database.url, anna, { limit: 2, offset })),
  );
  const shown = pages.flatMap((page) => page!.conversations.map(({ conversationId }) => conversationId));
  expect(shown).toEqual(ids.toSorted());
  expect(pages.map((page) => page!.conversationCount)).toEqual([5, 5, 5]);
});

test("of a user nobody has heard of nothing is found", async () => {
  expect(await inspectUser(writer.database.url, newId(), all)).toBeNull();
});
