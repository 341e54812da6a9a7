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
