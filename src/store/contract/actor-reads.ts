import { expect, test } from "bun:test";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import { newId } from "../../system.ts";
import { aSending, startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import { aGroup, append, counted, type StoreStage } from "./stage.ts";

/** What `ActorReads` says, but for contacts (`creation.ts`) and what is stored (`stored-changes.ts`). */
export function actorReadsContract(on: () => StoreStage): void {
  test("an actor is loaded with those who are members now, where their memberships began, and the keys used last", async () => {
    const [anna, ben, carl] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 3);
    await conversation.remove(ben);
    await conversation.add(carl);
    const [loaded, ...none] = await on().actorReads.loadConversations([conversation.id, newId()]);
    const state = loaded?.state;
    expect(none).toEqual([]);
    expect(state).toMatchObject({ id: conversation.id, type: "group", isActive: true, seq: 3, rev: 5 });
    expect(state).toMatchObject({ membersRev: 5, lastSentAtUs: startUs + 3 });
    expect([...state!.members]).toEqual([
      [anna, { userId: anna, role: "owner", joinedAtUs: startUs, joinedSeq: 0, joinedRev: 0 }],
      [carl, { userId: carl, role: "member", joinedAtUs: startUs + 5, joinedSeq: 3, joinedRev: 5 }],
    ]);
  });

  test("an actor knows the keys that the newest messages hold", async () => {
    const { id, members } = await aGroup(on());
    const key = { senderId: members[0]!, clientRandom: 5, deviceTag: deviceTagOf("phone") };
    await append(on(), { changes: [aSending(id, 1, key), aSending(id, 2)] });
    const [loaded] = await on().actorReads.loadConversations([id]);
    expect(loaded!.keyUses).toEqual([{ ...key, seq: 1, sentAtUs: startUs + 1 }]);
  });

  test("messages are found by id in the named conversation alone, as they are now", async () => {
    const anna = newId();
    const [one, other] = [await PortConversation.of(on(), [anna]), await PortConversation.of(on(), [anna])];
    await one.fill(anna, 3);
    await other.fill(anna, 1);
    await one.edit([2]);
    const lookups = [
      { conversationId: one.id, messageId: one.messageIds[1]! },
      { conversationId: one.id, messageId: other.messageIds[0]! },
      { conversationId: other.id, messageId: other.messageIds[0]! },
      { conversationId: other.id, messageId: newId() },
    ];
    const findFor = (viewerId: string | null) =>
      on().actorReads.findTargets(lookups.map((each) => ({ ...each, viewerId })));
    const { result: found, reads } = await counted(on(), () => findFor(null));
    expect(reads ?? 1).toBe(1);
    expect(found).toEqual([one.message(2), null, other.message(1), null]);
    expect(await findFor(anna)).toEqual(found);
    expect(await findFor(newId())).toEqual([null, null, null, null]);
    const seqsFor = (userId: string) =>
      on().actorReads.findSeqs(lookups.map((each) => ({ ...each, userId })));
    expect(await seqsFor(anna)).toEqual([2, null, 1, null]);
    // I8: to strangers there is none.
    expect(await seqsFor(newId())).toEqual([null, null, null, null]);
  });

  test("I8: a message from before a member came is not theirs to find", async () => {
    const [anna, late] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna]);
    await conversation.fill(anna, 2);
    await conversation.add(late);
    await conversation.send(anna);
    const lookups = conversation.messageIds.map((messageId) => ({
      conversationId: conversation.id,
      messageId,
    }));
    const found = await on().actorReads.findSeqs(lookups.map((each) => ({ ...each, userId: late })));
    expect(found).toEqual([null, null, 3]);
  });

  test("messages are read, and their creation found, by their place, in the order of the requests", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 2);
    await conversation.rename();
    await conversation.send(ben);
    const places = [3, 9, 1].map((seq) => ({ conversationId: conversation.id, seq }));
    const messages = await on().actorReads.readMessages(places);
    expect(messages).toEqual([conversation.message(3), null, conversation.message(1)]);
    expect(await on().actorReads.findCreatedRevs(places)).toEqual([4, null, 1]);
    const metadata = await on().actorReads.readMetadata([newId(), conversation.id]);
    expect(metadata).toEqual([null, '{"name":"3"}']);
  });

  test("whether users are present members is told in the order of the requests", async () => {
    const [anna, gone] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, gone]);
    await conversation.remove(gone);
    const lookups = [gone, anna, newId()].map((userId) => ({ conversationId: conversation.id, userId }));
    const nowhere = { conversationId: newId(), userId: anna };
    expect(await on().actorReads.areMembers([...lookups, nowhere])).toEqual([false, true, false, false]);
  });

  test("a node reads the heads and the present members of what it forwards", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 2);
    await conversation.remove(ben);
    const heads = await on().deliveryReads.heads([newId(), conversation.id]);
    expect(heads).toEqual(new Map([[conversation.id, 3]]));
    const present = await on().deliveryReads.members(conversation.id);
    expect([present!.membersRev, [...present!.members.keys()]]).toEqual([3, [anna]]);
    expect(await on().deliveryReads.members(newId())).toBeNull();
  });
}
