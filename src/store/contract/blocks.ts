import { beforeAll, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import { eventually } from "../../testing/eventually.ts";
import type { StoreStage } from "./stage.ts";

/** What `Blocks` says, and what blocks hide and prevent. */
export function blocksContract(on: () => StoreStage): void {
  let calls = 0;
  beforeAll(async () => {
    on().blocks.subscribe(() => calls++);
    await eventually("the first call", () => calls > 0);
  });
  const block = (blockerId: string, blockedId: string, isBlocked = true) =>
    on().changeBlock({ blockerId, blockedId, isBlocked, atUs: startUs + calls });
  const create = (creatorId: string, otherUserId: string) =>
    on().creation.createDirect({ type: "create_direct", id: newId(), creatorId, otherUserId, atUs: startUs });
  const createGroup = (creatorId: string, otherUserIds: readonly string[], id = newId()) =>
    on().creation.createGroup({
      type: "create_group",
      id,
      creatorId,
      otherUserIds,
      metadata: "{}",
      atUs: startUs,
    });
  async function created(creatorId: string, otherUserId: string): Promise<string> {
    const made = await create(creatorId, otherUserId);
    if (made.type !== "exists") throw new Error("blocked");
    return made.conversationId;
  }
  async function pendingOf(userId: string) {
    const all = await on().blocks.pending(null, 1_000);
    return all.find(({ lowId, highId }) => lowId === userId || highId === userId);
  }
  async function blockedOf(userId: string): Promise<string[]> {
    const { conversation } = (await pendingOf(userId))!;
    return conversation!.sides.filter(({ isBlocked }) => isBlocked).map((side) => side.userId);
  }

  test("a block and its end are pending, with the conversation and its memberships, until they are applied; the listener is called for each", async () => {
    const [anna, ben] = [newId(), newId()];
    const id = await created(anna, ben);
    const before = calls;
    await block(anna, ben);
    await eventually("a call", () => calls > before);
    const pair = (await pendingOf(anna))!;
    expect(pair).toMatchObject({ isApart: true, unreadable: null, conversation: { id } });
    const sides = pair.conversation!.sides.map(({ userId, member, isBlocked }) => [
      userId,
      member!.role,
      isBlocked,
    ]);
    const expected = [anna, ben]
      .sort()
      .map((userId) => [userId, userId === anna ? "owner" : "member", userId === ben]);
    expect(sides).toEqual(expected);
    await on().blocks.applied([pair]);
    expect(await pendingOf(anna)).toBeUndefined();
    await block(anna, ben, false);
    expect(await blockedOf(anna)).toEqual([]);
    expect((await pendingOf(anna))!.isApart).toBe(false);
  });

  test("blocked by both, unblocked by one: the other block stays; blocking again changes nothing", async () => {
    const [anna, ben] = [newId(), newId()];
    await created(anna, ben);
    for (const [blocker, blocked] of [
      [anna, ben],
      [ben, anna],
      [anna, ben],
    ] as const)
      await block(blocker, blocked);
    expect((await blockedOf(anna)).sort()).toEqual([anna, ben].sort());
    await block(anna, ben, false);
    expect(await blockedOf(anna)).toEqual([anna]);
  });

  test("a pair that has changed again since it was read stays pending", async () => {
    const [anna, ben] = [newId(), newId()];
    await created(anna, ben);
    await block(anna, ben);
    const read = (await pendingOf(anna))!;
    await block(anna, ben, false);
    await on().blocks.applied([read]);
    expect((await pendingOf(anna))!.version).not.toBe(read.version);
  });

  test("pending pairs are read page by page, in the order of their keys, each once", async () => {
    const users = Array.from({ length: 9 }, newId);
    for (const userId of users) await block(userId, newId());
    const keys: string[] = [];
    let after: { lowId: string; highId: string } | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof pendingOf>>[] = [...(await on().blocks.pending(after, 4))];
      if (page.length === 0) break;
      after = page.at(-1)!;
      keys.push(...page.map((pair) => `${pair!.lowId} ${pair!.highId}`));
    }
    expect(keys).toEqual([...new Set(keys)].sort());
    expect(users.every((userId) => keys.some((key) => key.includes(userId)))).toBe(true);
  });

  test("a pair without a conversation begins none while there is a block; the blocker is told so, and the other one nothing of it", async () => {
    const [anna, ben] = [newId(), newId()];
    await block(anna, ben);
    expect((await pendingOf(anna))!.conversation).toBeNull();
    expect(await create(anna, ben)).toEqual({ type: "blocked", by: "creator" });
    expect(await create(ben, anna)).toEqual({ type: "blocked", by: "other" });
    await block(ben, anna);
    // Who has blocked somebody learns nothing of what the other one did.
    expect(await create(anna, ben)).toEqual({ type: "blocked", by: "creator" });
    await block(anna, ben, false);
    await block(ben, anna, false);
    expect(await create(ben, anna)).toMatchObject({ type: "exists", created: true });
    await block(anna, ben);
    expect(await create(ben, anna)).toEqual({ type: "blocked", by: "other" });
  });

  test("a group names whom its creator has blocked, and nothing of those who have blocked the creator; one that exists is told as such", async () => {
    const [anna, ben, carl, id] = [newId(), newId(), newId(), newId()];
    await block(anna, ben);
    await block(ben, anna);
    await block(carl, anna);
    expect(await createGroup(anna, [ben, carl])).toEqual({ type: "blocked", by: "creator", userIds: [ben] });
    const others = await createGroup(anna, [carl, newId()]);
    expect(others).toEqual({ type: "blocked", by: "others", userIds: [carl] });
    const dora = newId();
    await createGroup(anna, [dora], id);
    await block(dora, anna);
    expect(await createGroup(anna, [dora], id)).toEqual({ type: "exists", created: false, askedIds: [] });
  });

  test("I8: two users with a block do not see each other's marks, receipts and presence; to actors each side of it is told", async () => {
    const [anna, ben, carl] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben, carl]);
    await conversation.send(anna);
    await conversation.mark(ben, 1, 1);
    await conversation.mark(carl, 1, 1);
    const { viewerReads, syncReads, actorReads } = on();
    const seenBy = async (viewerId: string) => {
      const { id: conversationId, messageIds } = conversation;
      const since = { seq: 0, rev: 0, generation: null };
      const { conversations, users } = await syncReads.joinFacts(
        [{ viewerId, conversationId, since }],
        [{ viewerId, deviceId: null }],
      );
      const status = await viewerReads.showDeliveryStatus(viewerId, messageIds[0]!);
      const { members } = await viewerReads.listMembers({ type: "list_members", viewerId, conversationId });
      return {
        marks: conversations[0]!.marks.map(({ userId }) => userId).sort(),
        apartIds: [conversations[0]!.apartIds, users[0]!.apartIds],
        read: status!.recipients
          .filter(({ readAtUs }) => readAtUs !== null)
          .map(({ userId }) => userId)
          .sort(),
        apart: members.filter(({ isApart }) => isApart).map(({ userId }) => userId),
      };
    };
    const all = { marks: [anna, ben, carl].sort(), apartIds: [[], []], read: [ben, carl].sort(), apart: [] };
    expect(await seenBy(anna)).toEqual(all);
    await block(ben, anna);
    const apart = { marks: [anna, carl].sort(), apartIds: [[ben], [ben]], read: [carl], apart: [ben] };
    expect(await seenBy(anna)).toEqual(apart);
    expect(await seenBy(carl)).toEqual(all);
    const contactOf = async (adderId: string, userId: string) => {
      const lookup = { conversationId: newId(), adderId, userIds: [userId], asksFirst: false };
      const [contacts] = await actorReads.findContacts([lookup]);
      return contacts!.map(({ hasBlocked, isBlocked }) => [hasBlocked, isBlocked])[0];
    };
    expect([await contactOf(anna, ben), await contactOf(ben, anna)]).toEqual([
      [true, false],
      [false, true],
    ]);
  });
}
