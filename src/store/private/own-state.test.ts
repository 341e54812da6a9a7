import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMemberEvent, aSending, changeOf, messageOf, startUs } from "../../testing/builders/changes.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresOwnState } from "./own-state.ts";

let writer: Writer;
let own: PostgresOwnState;
beforeAll(async () => {
  writer = await startWriter();
  own = new PostgresOwnState({ reads: writer.reads });
}, 120_000);
afterAll(() => writer.close());

async function aLog(length: number) {
  const { id, members } = await writer.aGroup();
  const changes = Array.from({ length }, (_, index) => aSending(id, index + 1));
  await writer.append({ changes });
  return {
    id,
    anna: members[0]!,
    ben: members[1]!,
    messageIds: changes.map((change) => messageOf(change).id),
  };
}

function markUnread(userId: string, conversationId: string, messageId: string) {
  return own.markUnread({ type: "mark_unread", userId, conversationId, messageId });
}

async function unreadFrom(userId: string, conversationId: string) {
  const rows = await writer.database.sql<{ from: number | null; rev: number }>(
    `select unread_from_seq::int as from, own_rev::int as rev from conversation_settings
    where user_id = $1 and conversation_id = $2`,
    [userId, conversationId],
  );
  return rows[0];
}

test("I8: nobody marks from a message that he does not see, and nothing is counted for it", async () => {
  const { id, ben, messageIds } = await aLog(3);
  const other = await aLog(1);
  const dora = newId();
  const changes = [
    changeOf(id, 4, aMemberEvent("member_added", id, { userId: dora, rev: 4, joinedSeq: 3, joinedRev: 4 })),
    changeOf(
      id,
      5,
      aMemberEvent("member_removed", id, { userId: ben, rev: 5, leftSeq: 3, leftAtUs: startUs }),
    ),
  ];
  await writer.append({ changes });
  expect(await markUnread(newId(), id, messageIds[0]!)).toBeNull();
  expect(await markUnread(ben, id, messageIds[0]!)).toBeNull();
  expect(await markUnread(dora, id, messageIds[2]!)).toBeNull();
  expect(await markUnread(dora, id, newId())).toBeNull();
  expect(await markUnread(dora, id, other.messageIds[0]!)).toBeNull();
  expect(await markUnread(dora, newId(), messageIds[0]!)).toBeNull();
  const counted = await writer.database.sql("select 1 from own_revs where user_id = any ($1::uuid[])", [
    [ben, dora],
  ]);
  expect(counted).toEqual([]);
});

test("changes of one user at once get different numbers, and the state is that of the highest", async () => {
  const { id, ben, messageIds } = await aLog(20);
  const marked = await Promise.all(messageIds.map((messageId) => markUnread(ben, id, messageId)));
  expect(marked.map((each) => each!.ownRev).toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  const last = marked.find((each) => each!.ownRev === 20)!;
  expect(await unreadFrom(ben, id)).toEqual({ from: last.seq, rev: 20 });
});
