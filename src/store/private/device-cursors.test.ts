import { afterAll, beforeAll, expect, test } from "bun:test";
import type { DevicePosition, Position } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { aMemberEvent, aSending, changeOf, startUs } from "../../testing/builders/changes.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresDeviceCursors } from "./device-cursors.ts";

let writer: Writer;
let cursors: PostgresDeviceCursors;
beforeAll(async () => {
  writer = await startWriter();
  cursors = new PostgresDeviceCursors({ reads: writer.reads });
}, 120_000);
afterAll(() => writer.close());

/** Groups of one user, with as many messages as asked. */
async function groupsOf(userId: string, lengths: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const length of lengths) {
    const id = newId();
    ids.push(id);
    await writer.creation.createGroup({
      type: "create_group",
      id,
      creatorId: newId(),
      otherUserIds: [userId],
      metadata: "{}",
      atUs: startUs,
    });
    await send(id, 1, length);
  }
  return ids;
}

async function send(id: string, from: number, to: number): Promise<void> {
  const seqs = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  expect(await writer.append({ changes: seqs.map((seq) => aSending(id, seq)) })).toMatchObject({
    type: "stored",
    moved: new Set(),
  });
}

async function leave(id: string, userId: string, rev: number): Promise<void> {
  const gone = aMemberEvent("member_removed", id, { userId, rev, leftSeq: rev - 1, leftAtUs: startUs });
  await writer.append({ changes: [changeOf(id, rev, gone)] });
}

async function stored(
  userId: string,
  deviceId: string,
): Promise<Map<string, Omit<Position, "conversationId">>> {
  const rows = await writer.database.sql<{ id: string; seq: number; rev: number }>(
    "select conversation_id as id, seq::int, rev::int from device_cursors where user_id = $1 and device_id = $2",
    [userId, deviceId],
  );
  return new Map(rows.map(({ id, ...cursor }) => [id, cursor]));
}

async function generationOf(userId: string, deviceId: string): Promise<number | undefined> {
  const rows = await writer.database.sql<{ generation: number }>(
    "select generation::int from devices where user_id = $1 and device_id = $2",
    [userId, deviceId],
  );
  return rows[0]?.generation;
}

const renew = "update store_generation set generation = generation + 1";
const atHead = (conversationId: string, head: number): DevicePosition => ({
  conversationId,
  seq: head,
  rev: head,
  headSeq: head,
  headRev: head,
});
const byId = (one: DevicePosition, other: DevicePosition) =>
  one.conversationId < other.conversationId ? -1 : 1;

test("a device that was never seen starts at the heads of its user's conversations, and of no other", async () => {
  const [userId, deviceId] = [newId(), "phone"];
  const [one, two, left] = (await groupsOf(userId, [3, 0, 5])) as [string, string, string];
  await leave(left, userId, 6);
  await groupsOf(newId(), [4]);
  const standings = await cursors.register({ userId, deviceId }, startUs);
  expect(standings.toSorted(byId)).toEqual([atHead(one, 3), atHead(two, 0)].toSorted(byId));
  expect(await stored(userId, deviceId)).toEqual(
    new Map([
      [one, { seq: 3, rev: 3 }],
      [two, { seq: 0, rev: 0 }],
    ]),
  );
  expect(await cursors.register({ userId: newId(), deviceId }, startUs)).toEqual([]);
});

test("a device that is known keeps what it has confirmed, however often it registers", async () => {
  const [userId, deviceId] = [newId(), "phone"];
  const [one, two] = (await groupsOf(userId, [3, 2])) as [string, string];
  await cursors.register({ userId, deviceId }, startUs);
  await send(one, 4, 6);
  await cursors.save([{ userId, deviceId, conversationId: one, seq: 5, rev: 5 }]);
  const again = await cursors.register({ userId, deviceId }, startUs);
  expect(again.toSorted(byId)).toEqual(
    [{ ...atHead(one, 6), seq: 5, rev: 5 }, atHead(two, 2)].toSorted(byId),
  );
});

test("sockets of a new device that register at once get the same heads", async () => {
  const [userId, deviceId] = [newId(), "phone"];
  const [one] = (await groupsOf(userId, [3])) as [string];
  const all = await Promise.all(
    Array.from({ length: 8 }, () => cursors.register({ userId, deviceId }, startUs)),
  );
  for (const standings of all) expect(standings).toEqual([atHead(one, 3)]);
});

test("a device of a history that is gone starts at the heads again, and nothing of that history is left of it", async () => {
  const [userId, deviceId] = [newId(), "phone"];
  const [one, left] = (await groupsOf(userId, [3, 2])) as [string, string];
  await cursors.register({ userId, deviceId }, startUs);
  await cursors.save([{ userId, deviceId, conversationId: one, seq: 900, rev: 950 }]);
  await leave(left, userId, 3);
  const before = (await generationOf(userId, deviceId))!;
  await writer.database.sql(renew);
  expect(await cursors.register({ userId, deviceId }, startUs)).toEqual([atHead(one, 3)]);
  expect(await stored(userId, deviceId)).toEqual(new Map([[one, { seq: 3, rev: 3 }]]));
  expect(await generationOf(userId, deviceId)).toBe(before + 1);
});

test("cursors only move forward, each of a device for itself, many devices in one statement", async () => {
  const users = Array.from({ length: 30 }, newId);
  const conversationId = newId();
  const move = (userId: string, deviceId: string, seq: number, rev: number) => ({
    userId,
    deviceId,
    conversationId,
    seq,
    rev,
  });
  await cursors.save(users.flatMap((userId) => [move(userId, "phone", 5, 7), move(userId, "web", 2, 2)]));
  await cursors.save([
    move(users[0]!, "phone", 4, 6),
    move(users[1]!, "phone", 9, 11),
    move(users[1]!, "phone", 8, 12),
    move(users[2]!, "phone", 5, 8),
    // One number is ahead of what is stored, the other one behind.
    move(users[3]!, "phone", 6, 6),
    move(users[4]!, "phone", 4, 9),
  ]);
  const cursorOf = async (index: number, deviceId: string) =>
    (await stored(users[index]!, deviceId)).get(conversationId);
  expect(await cursorOf(0, "phone")).toEqual({ seq: 5, rev: 7 });
  expect(await cursorOf(1, "phone")).toEqual({ seq: 9, rev: 12 });
  expect(await cursorOf(2, "phone")).toEqual({ seq: 5, rev: 8 });
  expect(await cursorOf(3, "phone")).toEqual({ seq: 6, rev: 7 });
  expect(await cursorOf(4, "phone")).toEqual({ seq: 5, rev: 9 });
  expect(await cursorOf(1, "web")).toEqual({ seq: 2, rev: 2 });
  expect(await generationOf(users[0]!, "phone")).toBeUndefined();
  await cursors.save([]);
});

test("saves of the same cursors in opposite orders wait for each other and never deadlock", async () => {
  const [userId, conversations] = [newId(), Array.from({ length: 300 }, newId)];
  const moves = conversations.map((conversationId) => ({
    userId,
    deviceId: "phone",
    conversationId,
    seq: 1,
    rev: 1,
  }));
  const rounds = Array.from({ length: 40 }, (_, round) => {
    const own = moves.map((move) => ({ ...move, seq: round, rev: round }));
    return cursors.save(round % 2 ? own : own.toReversed());
  });
  await Promise.all(rounds);
  const saved = await stored(userId, "phone");
  expect(saved.size).toBe(300);
  for (const cursor of saved.values()) expect(cursor).toEqual({ seq: 39, rev: 39 });
});
