import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import { counted, type StoreStage } from "./stage.ts";

/** What `listConversations`, `showConversation` and `listMembers` say. */
export function summariesContract(on: () => StoreStage): void {
  const list = (viewerId: string, limit = 50, offset = 0) =>
    on().viewerReads.listConversations({ type: "list_conversations", viewerId, limit, offset });

  test("a list is one query, newest activity first, whatever the number of conversations", async () => {
    const anna = newId();
    const all = new Map<string, PortConversation>();
    for (let index = 0; index < 20; index++) {
      const conversation = await PortConversation.of(on(), [anna, newId()]);
      all.set(conversation.id, conversation);
    }
    const ids = [...all.keys()];
    const farUs = startUs + 365 * 24 * 3_600 * 1_000_000;
    const written = [ids[17]!, ids[3]!];
    await all.get(written[1]!)!.send(anna, { sentAtUs: farUs + 1 });
    await all.get(written[0]!)!.send(anna, { count: 2, sentAtUs: farUs + 2 });
    const rest = ids
      .filter((id) => !written.includes(id))
      .sort()
      .reverse();
    const expected = [...written, ...rest];
    for (const limit of [5, 20, 100]) {
      const { result: page, reads } = await counted(on(), () => list(anna, limit));
      expect(reads ?? 1).toBe(1);
      expect(page.hasMore).toBe(limit < 20);
      expect(page.summaries.map(({ conversation }) => conversation.id)).toEqual(expected.slice(0, limit));
    }
    const { summaries } = await list(anna, 2, 1);
    expect(summaries.map(({ conversation }) => conversation.id)).toEqual(expected.slice(1, 3));
    expect(summaries[0]!.lastMessage).toMatchObject({
      message: { seq: 1, content: "text 1" },
      status: "sent",
    });
    expect(summaries.map(({ memberCount }) => memberCount)).toEqual([2, 2]);
    expect(summaries[0]!.conversation.members).toEqual([]);
  });

  test("I10: a list reads a page of what was written last, the smallest first; a large message costs no conversation its place", async () => {
    const anna = newId();
    const sizes = [60_000, 10, 60_000, 200];
    for (let index = 0; index < 40; index++) {
      const conversation = await PortConversation.of(on(), [anna, newId()]);
      await conversation.send(anna, { content: "x".repeat(sizes[index % 4]!) });
    }
    const { summaries, hasMore } = await list(anna);
    expect([summaries.length, hasMore]).toEqual([40, false]);
    const lengths = summaries.map(({ lastMessage }) => lastMessage!.message.content.length);
    const between = (least: number, most: number) =>
      lengths.filter((each) => each >= least && each <= most).length;
    const counts = [between(10, 15), between(200, 210), between(60_000, 60_010), between(0, 0)];
    expect(counts).toEqual([10, 10, 17, 3]);
    const partial = { isPartial: true, status: "sent", message: { metadata: "{}", seq: 1 } };
    for (const { lastMessage } of summaries.filter((each) => each.lastMessage?.message.content === ""))
      expect(lastMessage).toMatchObject(partial);
  }, 60_000);

  test("I10: a list names a hundred members of a large group, the longest-standing ones, and counts all", async () => {
    const [anna, ...others] = Array.from({ length: 250 }, () => newId()) as [string, ...string[]];
    const conversation = await PortConversation.of(on(), [anna]);
    await conversation.add(...others.slice(0, 150));
    await conversation.add(...others.slice(150));
    const [summary] = (await list(anna)).summaries;
    expect(summary).toMatchObject({ memberCount: 250 });
    const named = summary!.conversation.memberUserIds;
    expect([named.length, named[0]]).toEqual([100, anna]);
    expect(named.every((userId) => userId === anna || others.indexOf(userId) < 150)).toBe(true);
  });

  test("unread are the others' messages that are not deleted, after what was read, or from where it was marked as unread", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    const unread = async () => {
      const { summary } = await on().viewerReads.showConversation(anna, conversation.id);
      expect((await list(anna)).summaries[0]!.unreadCount).toBe(summary!.unreadCount);
      return summary!.unreadCount;
    };
    const about = { userId: anna, conversationId: conversation.id };
    const markUnread = (seq: number) =>
      on().own.markUnread({ type: "mark_unread", ...about, messageId: conversation.messageIds[seq - 1]! });
    expect(await unread()).toBe(0);
    await conversation.fill(ben, 6);
    expect(await unread()).toBe(6);
    await conversation.mark(anna, 6, 2);
    expect(await unread()).toBe(4);
    await conversation.delete([2, 5]);
    expect(await unread()).toBe(3);
    await conversation.fill(anna, 2);
    expect(await unread()).toBe(3);
    await conversation.mark(anna, 8, 8);
    expect(await unread()).toBe(0);
    await markUnread(3);
    expect(await unread()).toBe(3);
    await conversation.send(ben);
    expect(await unread()).toBe(4);
    await on().own.clearUnread(anna, conversation.id);
    expect(await unread()).toBe(1);
    // Marked above what is read anyway: it stays at what was read.
    await conversation.fill(ben, 3);
    await markUnread(12);
    expect(await unread()).toBe(4);
    // Who came back has the messages since then; a mark from before reaches no further.
    await markUnread(1);
    await conversation.remove(anna);
    await conversation.add(anna);
    await conversation.send(ben);
    expect(await unread()).toBe(1);
  });

  test("the last message of a list tells its sender how far it has come", async () => {
    const [anna, ben, dora] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben, dora]);
    await conversation.send(anna);
    const last = async (viewerId: string) => (await list(viewerId)).summaries[0]!.lastMessage!.status;
    expect(await last(anna)).toBe("sent");
    await conversation.mark(ben, 1, 1);
    await conversation.mark(dora, 1, 0);
    expect(await last(anna)).toBe("delivered");
    await conversation.mark(dora, 1, 1);
    expect([await last(anna), await last(ben)]).toEqual(["read", "sent"]);
  });

  test("a conversation that nobody is in any more is in no list, and one that a member came to is without a message", async () => {
    const [anna, carl] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna]);
    await conversation.send(anna);
    await conversation.add(carl);
    expect((await list(carl)).summaries[0]).toMatchObject({ lastMessage: null, unreadCount: 0 });
    await conversation.remove(carl);
    expect((await list(carl)).summaries).toEqual([]);
  });

  test("members are told with when they were online last, to the microsecond; it only moves forward", async () => {
    const [anna, ben, gone] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben, gone]);
    await conversation.remove(gone);
    await on().lastSeen.save(new Map([[ben, startUs + 123_456]]));
    await on().lastSeen.save(new Map([[ben, startUs + 123_455]]));
    const membersFor = (viewerId: string) =>
      on().viewerReads.listMembers({ type: "list_members", viewerId, conversationId: conversation.id });
    const { membership, members } = await membersFor(anna);
    expect(membership).toEqual({ role: "owner" });
    expect(members.map(({ userId, lastSeenAtUs }) => [userId, lastSeenAtUs]).sort()).toEqual(
      [
        [anna, null],
        [ben, startUs + 123_456],
      ].sort(),
    );
    for (const stranger of [gone, newId()])
      expect(await membersFor(stranger)).toEqual({ membership: null, members: [] });
    await on().lastSeen.save(new Map());
  });
}
