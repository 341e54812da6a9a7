import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { startUs } from "../testing/builders/changes.ts";
import { startWriter, type Writer } from "../testing/processes/writer-on-postgres.ts";
import { PostgresLastSeen } from "./last-seen.ts";
import { PostgresViewerReads } from "./reads/viewer-reads.ts";

let writer: Writer;
let lastSeen: PostgresLastSeen;
let reads: PostgresViewerReads;
beforeAll(async () => {
  writer = await startWriter();
  lastSeen = new PostgresLastSeen({ reads: writer.reads });
  reads = new PostgresViewerReads({ reads: writer.reads });
}, 120_000);
afterAll(() => writer.close());

async function group(creatorId: string, otherUserIds: readonly string[]): Promise<string> {
  const id = newId();
  const made = { creatorId, otherUserIds, metadata: "{}", atUs: startUs };
  await writer.creation.createGroup({ type: "create_group", id, ...made });
  return id;
}

const membersOf = (viewerId: string, conversationId: string) =>
  reads.listMembers({ type: "list_members", viewerId, conversationId });

test("a time is kept to the microsecond beside each member, and only moves forward", async () => {
  const [ann, ben, cleo] = [newId(), newId(), newId()].sort() as [string, string, string];
  const id = await group(ann, [ben, cleo]);
  await lastSeen.save(new Map());
  await lastSeen.save(
    new Map([
      [ann, startUs + 1],
      [ben, startUs + 1_000_003],
    ]),
  );
  await lastSeen.save(
    new Map([
      [ann, startUs - 5],
      [ben, startUs + 1_000_004],
    ]),
  );
  const { membership, members } = await membersOf(ben, id);
  expect(membership).toEqual({ role: "member" });
  expect(members.map(({ userId, lastSeenAtUs }) => [userId, lastSeenAtUs])).toEqual([
    [ann, startUs + 1],
    [ben, startUs + 1_000_004],
    [cleo, null],
  ]);
  expect(members[0]).toMatchObject({ role: "owner", joinedAtUs: startUs, joinedSeq: 0, joinedRev: 0 });
});

test("two statements over the same users, in whatever order, do not wait for each other for ever", async () => {
  const users = Array.from({ length: 500 }, () => newId());
  const saves = Array.from({ length: 20 }, (_, index) => {
    const order = index % 2 ? users : [...users].reverse();
    return lastSeen.save(new Map(order.map((userId) => [userId, startUs + index])));
  });
  await Promise.all(saves);
});

test("I8: a stranger and a former member read nothing of it", async () => {
  const [ann, ben] = [newId(), newId()];
  const id = await group(ann, [ben]);
  await writer.database.sql(
    "update conversation_members set left_seq = 0 where conversation_id = $1 and user_id = $2",
    [id, ben],
  );
  for (const viewerId of [ben, newId()])
    expect(await membersOf(viewerId, id)).toEqual({ membership: null, members: [] });
  expect((await membersOf(ann, id)).members).toHaveLength(1);
  expect(await membersOf(ann, newId())).toEqual({ membership: null, members: [] });
});
