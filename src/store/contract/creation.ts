import { expect, test } from "bun:test";
import type { CreateDirect, CreateGroup } from "../../core/conversations/create.ts";
import { newId } from "../../system.ts";
import { aMemberEvent, changeOf, startUs } from "../../testing/builders/changes.ts";
import { append, type StoreStage } from "./stage.ts";

/** What `ConversationCreation` says but for blocks (`blocks.ts`), and what makes two users known to each other. */
export function creationContract(on: () => StoreStage): void {
  const direct = (creatorId: string, otherUserId: string, given: Partial<CreateDirect> = {}) =>
    on().creation.createDirect({
      type: "create_direct",
      id: newId(),
      creatorId,
      otherUserId,
      atUs: startUs,
      ...given,
    });
  const group = (creatorId: string, otherUserIds: readonly string[], given: Partial<CreateGroup> = {}) =>
    on().creation.createGroup({
      type: "create_group",
      id: newId(),
      creatorId,
      otherUserIds,
      metadata: "{}",
      atUs: startUs,
      ...given,
    });
  const show = async (viewerId: string, id: string) =>
    (await on().viewerReads.showConversation(viewerId, id)).summary!;
  const empty = { seq: 0, rev: 0, membersRev: 0, lastMessageAtUs: null };

  test("50 people who create the same direct conversation at once get one, and it is whole", async () => {
    const [anna, ben] = [newId(), newId()];
    const made = await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 ? direct(anna, ben) : direct(ben, anna))),
    );
    const all = made.filter((each) => each.type === "exists");
    expect(all).toHaveLength(50);
    expect(new Set(all.map(({ conversationId }) => conversationId)).size).toBe(1);
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    const { conversation } = await show(anna, all[0]!.conversationId);
    expect(conversation.members.map(({ userId }) => userId).sort()).toEqual([anna, ben].sort());
    expect(conversation).toMatchObject({ type: "direct", memberUserIds: [anna, ben].sort(), head: empty });
  });

  test("a direct conversation belongs to its creator, and stays the pair's one whoever leaves it", async () => {
    const [anna, ben] = [newId(), newId()];
    const made = await direct(anna, ben);
    if (made.type !== "exists") throw new Error("blocked");
    const { members } = (await show(anna, made.conversationId)).conversation;
    expect(members.map(({ userId, role, pending }) => [userId, role, pending]).sort()).toEqual(
      [
        [anna, "owner", undefined],
        [ben, "member", "added"],
      ].sort(),
    );
    const gone = { userId: ben, rev: 1, leftSeq: 0, leftAtUs: startUs };
    const { conversationId: id } = made;
    await append(on(), { changes: [changeOf(id, 1, aMemberEvent("member_removed", id, gone))] });
    expect(await direct(ben, anna)).toMatchObject({ conversationId: id, created: false });
    expect((await show(anna, id)).conversation.memberUserIds).toEqual([anna, ben].sort());
  });

  test("a group is there with its metadata, its owner, its members and an empty log; once, however often it is made", async () => {
    const [id, anna, ...others] = Array.from({ length: 6 }, newId) as [string, string, ...string[]];
    const metadata = '{"name":"Käse & \\u0000 ☕","big":12345678901234567890}';
    expect(await group(anna, others, { id, metadata })).toEqual({
      type: "exists",
      created: true,
      askedIds: [],
    });
    const again = await group(anna, [newId()], { id, metadata: '{"name":"other"}' });
    expect(again).toEqual({ type: "exists", created: false, askedIds: [] });
    const { conversation, memberCount } = await show(others[0]!, id);
    expect(conversation).toMatchObject({ type: "group", metadata, isActive: true, head: empty });
    expect(conversation).toMatchObject({ createdAtUs: startUs, updatedAtUs: startUs });
    expect(memberCount).toBe(5);
    const [owner] = conversation.members.filter(({ role }) => role === "owner");
    expect(owner!.userId).toBe(anna);
  });

  test("those whom the creator does not know are asked first, where that is wanted; whoever accepted something with them is known", async () => {
    const [anna, ben, carl] = [newId(), newId(), newId()];
    const asked = await direct(anna, ben, { asksFirst: true });
    expect(asked).toMatchObject({ created: true, askedIds: [ben] });
    if (asked.type !== "exists") throw new Error("blocked");
    const knows = async () => {
      const lookup = { conversationId: newId(), adderId: anna, userIds: [ben, carl], asksFirst: true };
      return (await on().actorReads.findContacts([lookup]))[0]!.map(({ isKnown }) => isKnown);
    };
    expect(await knows()).toEqual([false, false]);
    const accepted = aMemberEvent("request_accepted", asked.conversationId, { userId: ben, rev: 1 });
    await append(on(), { changes: [changeOf(asked.conversationId, 1, accepted)] });
    expect(await knows()).toEqual([true, false]);
    expect(await group(anna, [ben, carl], { asksFirst: true })).toMatchObject({ askedIds: [carl] });
  });
}
