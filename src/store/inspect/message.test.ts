import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import {
  aDeletion,
  aMark,
  aMemberEvent,
  anEdit,
  aSending,
  changeOf,
  messageOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { inspectMessage } from "./message.ts";

const all = { limit: 100, offset: 0 };

let writer: Writer;
beforeAll(async () => {
  writer = await startWriter();
}, 120_000);
afterAll(() => writer.close());

test("operators see where a message is, its sizes, times and edits, and never what was written", async () => {
  const { id, members } = await writer.aGroup(2);
  const sent = aSending(id, 1, {
    senderId: members[0]!,
    content: "a secret",
    metadata: '{"key":"hidden"}',
    clientRandom: 7,
  });
  const message = messageOf(sent);
  await writer.append({ changes: [sent] });
  await writer.append({ changes: [changeOf(id, 2, anEdit(message, 2, "another secret"))] });
  const found = await inspectMessage(writer.database.url, message.id, all);
  expect(found).toMatchObject({
    id: message.id,
    conversationId: id,
    seq: 1,
    rev: 2,
    createdRev: 1,
    headSeq: 1,
    senderId: members[0],
    type: "text",
    contentBytes: 14,
    metadataBytes: 16,
    clientRandom: 7,
    holdsKey: true,
    sentAt: "2026-01-01T00:00:00.000001Z",
    edits: 1,
    editedAt: "2026-01-01T00:00:00.000002Z",
    deletedAt: null,
    owner: { epoch: expect.any(Number) },
  });
  expect(JSON.stringify(found)).not.toMatch(/secret|hidden/);
});

test("of a deleted one the tombstone is left", async () => {
  const { id } = await writer.aGroup(2);
  const sent = aSending(id, 1, { content: "a secret" });
  await writer.append({ changes: [sent] });
  await writer.append({ changes: [changeOf(id, 2, aDeletion(messageOf(sent), 2))] });
  const found = await inspectMessage(writer.database.url, messageOf(sent).id, all);
  expect(found).toMatchObject({ contentBytes: 0, deletedAt: "2026-01-01T00:00:00.000002Z" });
});

test("to whom it was delivered is told for each member of then, also who has left since, in pages", async () => {
  const { id, members } = await writer.aGroup(4);
  const [anna, ben, carl, dora] = members as [string, string, string, string];
  const sent = aSending(id, 1, { senderId: anna });
  await writer.append({ changes: [sent] });
  const gone = aMemberEvent("member_removed", id, { userId: dora, rev: 2, leftSeq: 1, leftAtUs: startUs });
  const came = aMemberEvent("member_added", id, { userId: newId(), rev: 3, joinedSeq: 1, joinedRev: 3 });
  await writer.append({
    changes: [changeOf(id, 2, gone), changeOf(id, 3, came)],
    marks: [aMark(id, ben, { delivered: 1 }), aMark(id, carl, { delivered: 1, read: 1 })],
  });
  const found = await inspectMessage(writer.database.url, messageOf(sent).id, all);
  const at = expect.any(String);
  const expected = [
    { userId: ben, deliveredAt: at, readAt: null, isMemberNow: true },
    { userId: carl, deliveredAt: at, readAt: at, isMemberNow: true },
    { userId: dora, deliveredAt: null, readAt: null, isMemberNow: false },
  ];
  expect(found).toMatchObject({ recipientCount: 3 });
  expect(found!.delivery).toEqual(expected.toSorted((one, other) => (one.userId < other.userId ? -1 : 1)));
  const second = await inspectMessage(writer.database.url, messageOf(sent).id, { limit: 1, offset: 1 });
  expect(second).toMatchObject({ recipientCount: 3, delivery: [found!.delivery[1]!] });
});

test("what it answers and how many reacted are told by their numbers", async () => {
  const { id, members } = await writer.aGroup(2);
  await writer.append({ changes: [aSending(id, 1)] });
  const answer = aSending(id, 2);
  await writer.append({ changes: [answer] });
  await writer.database.sql(
    "update messages set reply_to_seq = 1, relations = '{}' where conversation_id = $1 and seq = 2",
    [id],
  );
  await writer.database.sql(
    "insert into message_reactions (conversation_id, seq, user_id, reaction, id, reacted_at) values ($1, 2, $2, 'x', $3, now())",
    [id, members[0], newId()],
  );
  const found = await inspectMessage(writer.database.url, messageOf(answer).id, all);
  expect(found).toMatchObject({ replyToSeq: 1, relationsBytes: 2, reactions: 1 });
});

test("a message that is not there is not found", async () => {
  expect(await inspectMessage(writer.database.url, newId(), all)).toBeNull();
});
