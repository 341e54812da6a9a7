import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Message } from "../../core/messages/message.ts";
import { longestQuote } from "../../core/messages/quote.ts";
import type { MessagePart } from "../../core/queries.ts";
import { newId } from "../../system.ts";
import {
  aDeletion,
  anAttachment,
  anEdit,
  aReaction,
  aReply,
  aSending,
  changeOf,
  messageOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresActorReads } from "./actor-reads.ts";
import { PostgresSyncReads } from "./sync-reads.ts";
import { PostgresViewerReads } from "./viewer-reads.ts";

/** What messages are to each other and what members make of them, from the statement that stores it to what is read. */

let writer: Writer;
let actor: PostgresActorReads;
let viewer: PostgresViewerReads;
let sync: PostgresSyncReads;
beforeAll(async () => {
  writer = await startWriter();
  actor = new PostgresActorReads({ reads: writer.reads });
  viewer = new PostgresViewerReads({ reads: writer.reads });
  sync = new PostgresSyncReads({ reads: writer.reads });
}, 120_000);
afterAll(() => writer.close());

/** As a page of history, a difference and an actor's look-up show it; they must not differ. */
async function readEverywhere(conversationId: string, seq: number, viewerId: string): Promise<Message> {
  const page = await viewer.readHistory({
    type: "read_history",
    viewerId,
    conversationId,
    before: null,
    after: null,
    limit: 100,
  });
  const [changes] = await sync.changes([
    { conversationId, viewerId, sinceRev: 0, generation: null, sinceSeq: null, limit: 100 },
  ]);
  const { message } = page.messages.find((each) => each.message.seq === seq)!;
  expect(changes!.messages.find((each) => each.message.seq === seq)!.message).toEqual(message);
  const partOf = async (part: MessagePart) => (await viewer.showMessage(viewerId, message.id, part))!.message;
  expect(await partOf("all")).toEqual(message);
  const place = {
    ...message,
    content: "",
    metadata: "{}",
    replyTo: null,
    attachments: null,
    reactions: null,
  };
  expect(await partOf("place")).toEqual(place);
  expect(await partOf("reactions")).toEqual({ ...place, reactions: message.reactions });
  expect(await partOf("attachments")).toEqual({ ...place, attachments: message.attachments });
  return message;
}

async function target(conversationId: string, messageId: string): Promise<Message> {
  const [found] = await actor.findTargets([{ conversationId, messageId, viewerId: null }]);
  return found!;
}

async function reactionRows(conversationId: string) {
  return writer.database.sql<{ seq: string; user_id: string; reaction: string; id: string }>(
    "select seq, user_id, reaction, id from message_reactions where conversation_id = $1 order by seq, reacted_at",
    [conversationId],
  );
}

test("replies and media are stored beside plain messages of the same batch, and read as they were sent", async () => {
  const { id, members } = await writer.aGroup();
  const parent = aSending(id, 1, { content: "question" });
  await writer.append({ changes: [parent] });
  const replyTo = { id: messageOf(parent).id, seq: 1, quote: null };
  const plain = aSending(id, 2);
  const reply = aReply(id, 3, { replyTo });
  const attachment = {
    id: newId(),
    mediaId: "m",
    mediaType: "audio",
    metadata: '{"a":"\\u0000"}',
    createdAtUs: 1,
  } as const;
  const media = aSending(id, 4, { messageType: "media", content: "", attachments: [attachment] });
  await writer.append({ changes: [plain, reply, media] });
  const { senderId } = messageOf(parent);
  const quote = { senderId, messageType: "text", content: "question", isDeleted: false } as const;
  expect(await readEverywhere(id, 2, members[0]!)).toEqual(messageOf(plain));
  expect(await readEverywhere(id, 3, members[0]!)).toEqual({
    ...messageOf(reply),
    replyTo: { ...replyTo, quote },
  });
  expect(await readEverywhere(id, 4, members[0]!)).toEqual(messageOf(media));
  const summary = await viewer.showConversation(members[0]!, id);
  expect(summary.summary!.lastMessage!.message).toEqual(messageOf(media));
});

test("what is answered is quoted as it is now: edited, too long, deleted; a deleted reply quotes nothing", async () => {
  const { id, members } = await writer.aGroup();
  const parent = messageOf(aSending(id, 1));
  const replyTo = { id: parent.id, seq: 1, quote: null };
  const reply = aReply(id, 2, { replyTo });
  await writer.append({ changes: [aSending(id, 1, parent)] });
  await writer.append({ changes: [reply] });
  const quoted = async () => (await readEverywhere(id, 2, members[0]!)).replyTo;
  const longest = "é,;|".repeat(longestQuote / 5) + "x".repeat(longestQuote % 5);
  await writer.append({ changes: [changeOf(id, 3, anEdit(parent, 3, longest))] });
  expect((await quoted())!.quote).toMatchObject({ content: longest, isDeleted: false });
  await writer.append({ changes: [changeOf(id, 4, anEdit(parent, 4, `${longest}x`))] });
  expect((await quoted())!.quote).toMatchObject({ content: null, isDeleted: false });
  await writer.append({ changes: [changeOf(id, 5, aDeletion(parent, 5))] });
  expect((await quoted())!.quote).toMatchObject({ content: null, isDeleted: true });
  const before = await target(id, messageOf(reply).id);
  await writer.append({ changes: [changeOf(id, 6, aDeletion(before, 6))] });
  const tombstone = await readEverywhere(id, 2, members[0]!);
  expect(tombstone).toMatchObject({ content: "", attachments: null, reactions: null, replyTo });
  const [row] = await writer.database.sql<{ text: string }>(
    "select convert_from(relations, 'UTF8') as text from messages where conversation_id = $1 and seq = 2",
    [id],
  );
  expect(JSON.parse(row!.text)).toEqual({ reply_to_id: parent.id });
});

test("I8: a member is not shown what a reply answers when that is from before he came; the node and the actor are", async () => {
  const { id, members } = await writer.aGroup();
  const parent = messageOf(aSending(id, 1));
  await writer.append({ changes: [aSending(id, 1, parent)] });
  await writer.database.sql(
    "update conversation_members set joined_seq = 1 where conversation_id = $1 and user_id = $2",
    [id, members[1]!],
  );
  const reply = aReply(id, 2, { replyTo: { id: parent.id, seq: 1, quote: null } });
  await writer.append({ changes: [reply] });
  expect((await readEverywhere(id, 2, members[1]!)).replyTo).toEqual({ id: parent.id, seq: 1, quote: null });
  expect((await readEverywhere(id, 2, members[0]!)).replyTo!.quote).not.toBeNull();
  expect((await target(id, messageOf(reply).id)).replyTo!.quote).not.toBeNull();
  const question = {
    conversationId: id,
    viewerId: null,
    sinceRev: 1,
    generation: null,
    sinceSeq: null,
    limit: 9,
  };
  const [hole] = await sync.changes([question]);
  expect(hole!.messages[0]!.message.replyTo!.quote).not.toBeNull();
  expect(await viewer.showMessage(members[1]!, parent.id, "all")).toBeNull();
  expect(await viewer.showMessage(newId(), messageOf(reply).id, "all")).toBeNull();
  expect(await viewer.showMessage(members[0]!, newId(), "all")).toBeNull();
});

test("reactions of one batch are written once each: several of a message, and what comes and goes leaves nothing", async () => {
  const { id, members } = await writer.aGroup();
  const [anna, ben] = members as [string, string];
  const sent = messageOf(aSending(id, 1, { content: "kept", metadata: '{"a":1}' }));
  await writer.append({ changes: [aSending(id, 1, sent)] });
  const steps = [
    ["reaction_added", anna, "👍"],
    ["reaction_added", ben, "👍"],
    ["reaction_removed", anna, "👍"],
    ["reaction_added", anna, "❤️"],
    ["reaction_added", anna, "👍"],
  ] as const;
  let message: Message = sent;
  const changes = steps.map(([type, userId, reaction], index) => {
    const event = aReaction(type, message, index + 2, { userId, reaction });
    message = event.message;
    return changeOf(id, event.rev, event);
  });
  expect(await writer.append({ changes })).toMatchObject({ type: "stored" });
  expect(await readEverywhere(id, 1, ben)).toEqual(message);
  expect(await target(id, sent.id)).toEqual(message);
  expect(message.reactions!.list.map((each) => each.reaction)).toEqual(["👍", "❤️", "👍"]);
  expect([...message.reactions!.counts]).toEqual([
    ["👍", 2],
    ["❤️", 1],
  ]);
  expect(await actor.findStored(changes)).toEqual([true, true, true, true, true]);

  // Taken back and given again: in the place of the other row.
  const [first] = message.reactions!.list;
  const away = aReaction("reaction_removed", message, 7, first);
  const back = aReaction("reaction_added", away.message, 8, { userId: ben, reaction: "👍" });
  await writer.append({ changes: [changeOf(id, 7, away), changeOf(id, 8, back)] });
  expect(await readEverywhere(id, 1, ben)).toEqual(back.message);
  let bare = back.message;
  const removals = back.message.reactions!.list.map((each, index) => {
    const event = aReaction("reaction_removed", bare, 9 + index, each);
    bare = event.message;
    return changeOf(id, event.rev, event);
  });
  await writer.append({ changes: removals });
  expect(await readEverywhere(id, 1, ben)).toEqual(bare);
  expect(bare.reactions).toBeNull();
  expect(await reactionRows(id)).toEqual([]);
});

test("reactions go with a message that is deleted, those of the same batch too, and others stay", async () => {
  const { id, members } = await writer.aGroup();
  const [one, other] = [messageOf(aSending(id, 1)), messageOf(aSending(id, 2))];
  await writer.append({ changes: [aSending(id, 1, one), aSending(id, 2, other)] });
  const given = aReaction("reaction_added", one, 3);
  const kept = aReaction("reaction_added", other, 4);
  await writer.append({ changes: [changeOf(id, 3, given), changeOf(id, 4, kept)] });
  const more = aReaction("reaction_added", given.message, 5);
  const changes = [changeOf(id, 5, more), changeOf(id, 6, aDeletion(more.message, 6))];
  await writer.append({ changes });
  expect((await reactionRows(id)).map(({ seq }) => Number(seq))).toEqual([2]);
  expect((await readEverywhere(id, 1, members[0]!)).reactions).toBeNull();
  expect(await actor.findStored([changes[1]!])).toEqual([true]);
});

test("a batch that is not stored, because another owner wrote, stores no reaction", async () => {
  const { id } = await writer.aGroup();
  const sent = messageOf(aSending(id, 1));
  await writer.append({ changes: [aSending(id, 1, sent)] });
  const late = aReaction("reaction_added", sent, 9);
  const outcome = await writer.append({ changes: [changeOf(id, 9, late)] });
  expect(outcome).toMatchObject({ type: "stored", moved: new Set([id]) });
  expect(await reactionRows(id)).toEqual([]);
  expect(await actor.findStored([changeOf(id, 9, late)])).toEqual([false]);
});

test("media attached later stand beside what was there, and a reaction in the same batch writes nothing else again", async () => {
  const { id, members } = await writer.aGroup();
  const sent = messageOf(aReply(id, 1, { content: "look", replyTo: null }));
  await writer.append({ changes: [aSending(id, 1, sent)] });
  const attached = anAttachment(sent, 2, "more");
  const reacted = aReaction("reaction_added", attached.message, 3);
  const changes = [changeOf(id, 2, attached), changeOf(id, 3, reacted)];
  await writer.append({ changes });
  expect(await readEverywhere(id, 1, members[0]!)).toEqual(reacted.message);
  expect(reacted.message.attachments).toHaveLength(2);
  expect(await actor.findStored(changes)).toEqual([true, true]);
});

test("a message of a thousand reactions is read with its first hundred and the count of all; its actor knows each", async () => {
  const { id, members } = await writer.aGroup();
  const sent = messageOf(aSending(id, 1));
  await writer.append({ changes: [aSending(id, 1, sent)] });
  const one = aReaction("reaction_added", sent, 2, { userId: members[0]!, reaction: "👍" });
  await writer.append({ changes: [changeOf(id, 2, one)] });
  await writer.database.sql(
    `insert into message_reactions (conversation_id, seq, user_id, reaction, id, reacted_at)
    select $1, 1, gen_random_uuid(), 'r' || n % 7, gen_random_uuid(), $2::timestamptz + n * interval '1 second'
    from generate_series(1, 999) n`,
    [id, new Date(startUs / 1_000).toISOString()],
  );
  const page = await viewer.readHistory({
    type: "read_history",
    viewerId: members[0]!,
    conversationId: id,
    before: null,
    after: null,
    limit: 10,
  });
  const { reactions } = page.messages[0]!.message;
  expect(reactions!.list).toHaveLength(100);
  expect(reactions!.list[0]).toEqual(one.reaction);
  expect([...reactions!.counts][0]).toEqual(["👍", 1]);
  expect([...reactions!.counts.values()].reduce((sum, count) => sum + count)).toBe(1_000);
  expect((await target(id, sent.id)).reactions!.list).toHaveLength(1_000);
  const shown = await viewer.showMessage(members[0]!, sent.id, "all");
  expect(shown!.message.reactions!.list).toHaveLength(1_000);
  expect(shown!.message.reactions!.counts).toEqual(reactions!.counts);
});

test("a reaction is read as it was given, also one of the characters that separate what is read", async () => {
  const { id, members } = await writer.aGroup();
  const [anna] = members as [string];
  const sent = messageOf(aSending(id, 1));
  await writer.append({ changes: [aSending(id, 1, sent)] });
  let message: Message = sent;
  const given = [",", ";", "|", "%", "%2C", "a,b;c|d%25e", "\u{1F468}\u200D\u{1F469}"];
  const changes = given.map((reaction, index) => {
    const event = aReaction("reaction_added", message, index + 2, { userId: anna, reaction });
    message = event.message;
    return changeOf(id, event.rev, event);
  });
  await writer.append({ changes });
  expect(await readEverywhere(id, 1, anna)).toEqual(message);
  expect(message.reactions!.list.map((each) => each.reaction)).toEqual(given);
});
