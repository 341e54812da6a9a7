import { expect, test } from "bun:test";
import type { Message } from "../../core/messages/message.ts";
import { longestQuote } from "../../core/messages/quote.ts";
import type { MessagePart } from "../../core/queries.ts";
import { newId } from "../../system.ts";
import {
  aDeletion,
  aMemberEvent,
  anAttachment,
  anEdit,
  aReaction,
  aReply,
  aSending,
  changeOf,
  messageOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { aGroup, append, type StoreStage, storedAll } from "./stage.ts";

/** Edits, deletions, replies, media and reactions, from the batch that stores them to what is read. */
export function relationsContract(on: () => StoreStage): void {
  /** As a page of history, a difference and the parts of one message show it; they must not differ. */
  async function readEverywhere(conversationId: string, seq: number, viewerId: string): Promise<Message> {
    const { viewerReads, syncReads } = on();
    const query = {
      type: "read_history",
      viewerId,
      conversationId,
      before: null,
      after: null,
      limit: 100,
    } as const;
    const page = await viewerReads.readHistory(query);
    const request = { conversationId, viewerId, sinceRev: 0, generation: null, sinceSeq: null, limit: 100 };
    const [changes] = await syncReads.changes([request]);
    const { message } = page.messages.find((each) => each.message.seq === seq)!;
    expect(changes!.messages.find((each) => each.message.seq === seq)!.message).toEqual(message);
    const partOf = async (part: MessagePart) =>
      (await viewerReads.showMessage(viewerId, message.id, part))!.message;
    expect(await partOf("all")).toEqual(message);
    const empty = { content: "", metadata: "{}", replyTo: null, attachments: null, reactions: null };
    expect(await partOf("place")).toEqual({ ...message, ...empty });
    expect(await partOf("reactions")).toEqual({ ...message, ...empty, reactions: message.reactions });
    expect(await partOf("attachments")).toEqual({ ...message, ...empty, attachments: message.attachments });
    return message;
  }

  async function targetOf(conversationId: string, messageId: string): Promise<Message> {
    const lookup = { conversationId, messageId, viewerId: null };
    return (await on().actorReads.findTargets([lookup]))[0]!;
  }

  test("an edit changes the message in its place and moves the head's revision, not its messages nor their time", async () => {
    const { id, members } = await aGroup(on());
    const [first, second] = [aSending(id, 1), aSending(id, 2, { metadata: '{"a":1}' })];
    await append(on(), { changes: [first, second] });
    const edit = anEdit(messageOf(second), 3, "better");
    expect(await append(on(), { changes: [changeOf(id, 3, edit)] })).toEqual(storedAll);
    expect(await readEverywhere(id, 2, members[0]!)).toEqual(edit.message);
    expect(await readEverywhere(id, 1, members[0]!)).toEqual(messageOf(first));
    const { summary } = await on().viewerReads.showConversation(members[0]!, id);
    expect(summary!.conversation.head).toMatchObject({
      seq: 2,
      rev: 3,
      membersRev: 0,
      lastMessageAtUs: startUs + 2,
    });
  });

  test("of several changes of one message in a batch the last wins", async () => {
    const { id, members } = await aGroup(on());
    const [one, two] = [messageOf(aSending(id, 1)), messageOf(aSending(id, 2))];
    await append(on(), { changes: [aSending(id, 1, one), aSending(id, 2, two)] });
    const twice = anEdit(one, 5, "twice");
    const deletion = aDeletion({ ...two, editedAtUs: startUs + 4 }, 6);
    const changes = [
      changeOf(id, 3, anEdit(one, 3, "once")),
      changeOf(id, 4, anEdit(two, 4, "other")),
      changeOf(id, 5, twice),
      changeOf(id, 6, deletion),
    ];
    expect(await append(on(), { changes })).toEqual(storedAll);
    expect(await readEverywhere(id, 1, members[0]!)).toEqual(twice.message);
    expect(await readEverywhere(id, 2, members[0]!)).toEqual(deletion.message);
  });

  test("I3: a message that is deleted and gives its key to a new one in the same batch does both", async () => {
    const { id, members } = await aGroup(on());
    const own = { senderId: members[0]!, clientRandom: 7 };
    const first = aSending(id, 1, own);
    await append(on(), { changes: [first] });
    const again = aSending(id, 2, { ...own, rev: 3, createdRev: 3, releasesKeyOf: 1 });
    const changes = [changeOf(id, 2, aDeletion(messageOf(first), 2)), again];
    expect(await append(on(), { changes })).toEqual(storedAll);
    expect((await readEverywhere(id, 1, members[0]!)).deletedAtUs).toBe(startUs + 2);
    const lookup = { conversationId: id, ...own, deviceTag: 1 };
    expect((await on().actorReads.findKeys([lookup])).map(({ seq }) => seq)).toEqual([2]);
  });

  test("replies and media are stored beside plain messages of the same batch, and read as they were sent", async () => {
    const { id, members } = await aGroup(on());
    const parent = aSending(id, 1, { content: "question" });
    await append(on(), { changes: [parent] });
    const replyTo = { id: messageOf(parent).id, seq: 1, quote: null };
    const plain = aSending(id, 2);
    const reply = aReply(id, 3, { content: "answer", attachments: null, replyTo });
    const media = aReply(id, 4, { replyTo: null });
    await append(on(), { changes: [plain, reply, media] });
    const { senderId } = messageOf(parent);
    const quote = { senderId, messageType: "text", content: "question", isDeleted: false } as const;
    expect(await readEverywhere(id, 2, members[0]!)).toEqual(messageOf(plain));
    const quoting = { ...messageOf(reply), replyTo: { ...replyTo, quote } };
    expect(await readEverywhere(id, 3, members[0]!)).toEqual(quoting);
    expect(await readEverywhere(id, 4, members[0]!)).toEqual(messageOf(media));
    const { summary } = await on().viewerReads.showConversation(members[0]!, id);
    expect(summary!.lastMessage!.message).toEqual(messageOf(media));
  });

  test("what is answered is quoted as it is now: edited, too long, deleted; a deleted reply quotes nothing", async () => {
    const { id, members } = await aGroup(on());
    const parent = messageOf(aSending(id, 1));
    const replyTo = { id: parent.id, seq: 1, quote: null };
    const reply = aReply(id, 2, { replyTo });
    await append(on(), { changes: [aSending(id, 1, parent)] });
    await append(on(), { changes: [reply] });
    const quoted = async () => (await readEverywhere(id, 2, members[0]!)).replyTo;
    const longest = "é,;|".repeat(longestQuote / 5) + "x".repeat(longestQuote % 5);
    await append(on(), { changes: [changeOf(id, 3, anEdit(parent, 3, longest))] });
    expect((await quoted())!.quote).toMatchObject({ content: longest, isDeleted: false });
    await append(on(), { changes: [changeOf(id, 4, anEdit(parent, 4, `${longest}x`))] });
    expect((await quoted())!.quote).toMatchObject({ content: null, isDeleted: false });
    await append(on(), { changes: [changeOf(id, 5, aDeletion(parent, 5))] });
    expect((await quoted())!.quote).toMatchObject({ content: null, isDeleted: true });
    const before = await targetOf(id, messageOf(reply).id);
    await append(on(), { changes: [changeOf(id, 6, aDeletion(before, 6))] });
    const tombstone = await readEverywhere(id, 2, members[0]!);
    expect(tombstone).toMatchObject({ content: "", attachments: null, reactions: null, replyTo });
  });

  test("I8: a member is not shown what a reply answers when that is from before they came; the node and the actor are", async () => {
    const { id, members } = await aGroup(on());
    const parent = messageOf(aSending(id, 1));
    const carl = newId();
    const came = aMemberEvent("member_added", id, { userId: carl, rev: 2, joinedSeq: 1, joinedRev: 2 });
    const replyTo = { id: parent.id, seq: 1, quote: null };
    const reply = aReply(id, 2, { rev: 3, createdRev: 3, replyTo });
    await append(on(), { changes: [aSending(id, 1, parent)] });
    await append(on(), { changes: [changeOf(id, 2, came), reply] });
    expect((await readEverywhere(id, 2, carl)).replyTo).toEqual(replyTo);
    expect((await readEverywhere(id, 2, members[0]!)).replyTo!.quote).not.toBeNull();
    expect((await targetOf(id, messageOf(reply).id)).replyTo!.quote).not.toBeNull();
    const lookup = { conversationId: id, messageId: messageOf(reply).id, viewerId: carl };
    expect((await on().actorReads.findTargets([lookup]))[0]!.replyTo).toEqual(replyTo);
    const request = {
      conversationId: id,
      viewerId: null,
      sinceRev: 2,
      generation: null,
      sinceSeq: null,
      limit: 9,
    };
    const [missed] = await on().deliveryReads.changes([request]);
    expect(missed!.messages[0]!.message.replyTo!.quote).not.toBeNull();
    const show = (viewerId: string, messageId: string) =>
      on().viewerReads.showMessage(viewerId, messageId, "all");
    expect(await show(carl, parent.id)).toBeNull();
    expect(await show(newId(), messageOf(reply).id)).toBeNull();
    expect(await show(members[0]!, newId())).toBeNull();
  });

  test("reactions of one batch are stored once each: several of a message, and what comes and goes leaves nothing", async () => {
    const { id, members } = await aGroup(on());
    const [anna, ben] = members as [string, string];
    const sent = messageOf(aSending(id, 1, { content: "kept", metadata: '{"a":1}' }));
    await append(on(), { changes: [aSending(id, 1, sent)] });
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
    expect(await append(on(), { changes })).toEqual(storedAll);
    expect(await readEverywhere(id, 1, ben)).toEqual(message);
    expect(await targetOf(id, sent.id)).toEqual(message);
    expect(message.reactions!.list.map((each) => each.reaction)).toEqual(["👍", "❤️", "👍"]);
    expect(await on().actorReads.findStored(changes)).toEqual(changes.map(() => true));
    // Taken back and given again: in the place of the other one.
    const away = aReaction("reaction_removed", message, 7, message.reactions!.list[0]);
    const back = aReaction("reaction_added", away.message, 8, { userId: ben, reaction: "👍" });
    await append(on(), { changes: [changeOf(id, 7, away), changeOf(id, 8, back)] });
    expect(await readEverywhere(id, 1, ben)).toEqual(back.message);
    let bare = back.message;
    const removals = back.message.reactions!.list.map((each, index) => {
      const event = aReaction("reaction_removed", bare, 9 + index, each);
      bare = event.message;
      return changeOf(id, event.rev, event);
    });
    await append(on(), { changes: removals });
    expect(await readEverywhere(id, 1, ben)).toEqual(bare);
    expect(bare.reactions).toBeNull();
  });

  test("reactions go with a message that is deleted, those of the same batch too, and others stay", async () => {
    const { id, members } = await aGroup(on());
    const [one, other] = [messageOf(aSending(id, 1)), messageOf(aSending(id, 2))];
    await append(on(), { changes: [aSending(id, 1, one), aSending(id, 2, other)] });
    const given = aReaction("reaction_added", one, 3);
    const kept = aReaction("reaction_added", other, 4);
    await append(on(), { changes: [changeOf(id, 3, given), changeOf(id, 4, kept)] });
    const more = aReaction("reaction_added", given.message, 5);
    const deletion = changeOf(id, 6, aDeletion(more.message, 6));
    await append(on(), { changes: [changeOf(id, 5, more), deletion] });
    expect((await readEverywhere(id, 1, members[0]!)).reactions).toBeNull();
    expect(await readEverywhere(id, 2, members[0]!)).toEqual(kept.message);
    expect(await on().actorReads.findStored([deletion])).toEqual([true]);
  });

  test("media attached later stand beside what was there, and a reaction in the same batch changes nothing else", async () => {
    const { id, members } = await aGroup(on());
    const sent = messageOf(aReply(id, 1, { content: "look", replyTo: null }));
    await append(on(), { changes: [aSending(id, 1, sent)] });
    const attached = anAttachment(sent, 2, "more");
    const reacted = aReaction("reaction_added", attached.message, 3);
    await append(on(), { changes: [changeOf(id, 2, attached), changeOf(id, 3, reacted)] });
    expect(await readEverywhere(id, 1, members[0]!)).toEqual(reacted.message);
    expect(reacted.message.attachments).toHaveLength(2);
  });

  test("a message of many reactions is read with its first hundred and the count of all; its actor knows each", async () => {
    const { id, members } = await aGroup(on());
    let message: Message = messageOf(aSending(id, 1));
    await append(on(), { changes: [aSending(id, 1, message)] });
    const changes = Array.from({ length: 250 }, (_, index) => {
      const event = aReaction("reaction_added", message, index + 2, { reaction: `r${index % 7}` });
      message = event.message;
      return changeOf(id, event.rev, event);
    });
    await append(on(), { changes });
    const query = { viewerId: members[0]!, conversationId: id, before: null, after: null, limit: 10 };
    const page = await on().viewerReads.readHistory({ type: "read_history", ...query });
    const { reactions } = page.messages[0]!.message;
    expect(reactions!.list).toEqual(message.reactions!.list.slice(0, 100));
    expect(reactions!.counts).toEqual(message.reactions!.counts);
    expect(await targetOf(id, message.id)).toEqual(message);
    const shown = await on().viewerReads.showMessage(members[0]!, message.id, "all");
    expect(shown!.message).toEqual(message);
  });

  test("a reaction is read as it was given, also one of characters that a store may use itself", async () => {
    const { id, members } = await aGroup(on());
    let message: Message = messageOf(aSending(id, 1));
    await append(on(), { changes: [aSending(id, 1, message)] });
    const given = [",", ";", "|", "%", "%2C", "a,b;c|d%25e", "\u{1F468}\u200D\u{1F469}"];
    const changes = given.map((reaction, index) => {
      const event = aReaction("reaction_added", message, index + 2, { userId: members[0]!, reaction });
      message = event.message;
      return changeOf(id, event.rev, event);
    });
    await append(on(), { changes });
    expect(await readEverywhere(id, 1, members[0]!)).toEqual(message);
    expect(message.reactions!.list.map((each) => each.reaction)).toEqual(given);
  });
}
