import { expect, test } from "bun:test";
import fc from "fast-check";
import { statusOf } from "../../core/messages/marks.ts";
import type { HistoryCursor, ReadHistory } from "../../core/queries.ts";
import { newId } from "../../system.ts";
import { startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import type { StoreStage } from "./stage.ts";

type GivenCursor =
  | { readonly by: "seq"; readonly seq: number }
  | { readonly by: "id"; readonly place: number }
  | { readonly by: "time"; readonly place: number; readonly offUs: number };

const cursors: fc.Arbitrary<GivenCursor | null> = fc.option(
  fc.oneof(
    fc.record({ by: fc.constant("seq" as const), seq: fc.integer({ min: 0, max: 45 }) }),
    fc.record({ by: fc.constant("id" as const), place: fc.integer({ min: 1, max: 40 }) }),
    fc.record({
      by: fc.constant("time" as const),
      place: fc.integer({ min: 1, max: 40 }),
      offUs: fc.integer({ min: -2, max: 2 }),
    }),
  ),
);

/** What `readHistory` says. */
export function historyContract(on: () => StoreStage): void {
  /** Messages whose times are these many microseconds after the start of 2026. */
  async function aLog(viewerId: string, timesUs: readonly number[]): Promise<PortConversation> {
    const conversation = await PortConversation.of(on(), [viewerId]);
    for (const us of timesUs) await conversation.send(viewerId, { sentAtUs: startUs + us });
    return conversation;
  }

  function historyOf(conversationId: string, viewerId: string, given: Partial<ReadHistory> = {}) {
    const whole = { before: null, after: null, limit: 50, ...given };
    return on().viewerReads.readHistory({ type: "read_history", viewerId, conversationId, ...whole });
  }

  test("a page of history by seq, id or time, before, after or between, is exactly that part of the log, newest first", async () => {
    const anna = newId();
    const times = Array.from({ length: 40 }, (_, index) => index * 3 + (index % 7 === 0 ? 0 : 1));
    const { id, log } = await aLog(anna, times);
    const { messages } = log;
    const toCursor = (given: GivenCursor | null): HistoryCursor | null => {
      if (!given) return null;
      if (given.by === "seq") return given;
      const message = messages[given.place - 1]!;
      if (given.by === "id") return { by: "id", id: message.id };
      return { by: "time", timeUs: message.sentAtUs + given.offUs };
    };
    const distance = (message: (typeof messages)[number], cursor: HistoryCursor) => {
      if (cursor.by === "time") return message.sentAtUs - cursor.timeUs;
      if (cursor.by === "seq") return message.seq - cursor.seq;
      return message.seq - messages.find((each) => each.id === cursor.id)!.seq;
    };
    await fc.assert(
      fc.asyncProperty(cursors, cursors, fc.integer({ min: 1, max: 50 }), async (one, other, limit) => {
        const [before, after] = [toCursor(one), toCursor(other)];
        const within = messages.filter(
          (message) => (!before || distance(message, before) < 0) && (!after || distance(message, after) > 0),
        );
        const page = after && !before ? within.slice(0, limit) : within.slice(-limit);
        const read = await historyOf(id, anna, { before, after, limit });
        expect(read.messages.map(({ message }) => message)).toEqual(page.toReversed());
        expect(read.hasMore).toBe(within.length > limit);
        expect([read.total, read.membership]).toEqual([messages.length, { role: "owner" }]);
      }),
      { numRuns: 150 },
    );
  }, 180_000);

  test("an unknown id as a cursor is an empty page, and so is a message of another conversation or from before the membership", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await aLog(anna, [1, 2, 3]);
    const other = await aLog(anna, [1]);
    await conversation.add(ben);
    await conversation.send(anna);
    const empty = { messages: [], hasMore: false };
    for (const where of ["before", "after"] as const) {
      for (const id of [newId(), other.messageIds[0]!]) {
        const page = await historyOf(conversation.id, anna, { [where]: { by: "id", id } });
        expect(page).toEqual({ membership: { role: "owner" }, ...empty, total: 4 });
      }
      const earlier = { [where]: { by: "id", id: conversation.messageIds[1]! } };
      const page = await historyOf(conversation.id, ben, earlier);
      expect(page).toEqual({ membership: { role: "member" }, ...empty, total: 1 });
    }
  });

  test("I8: strangers and former members read nothing, and cannot tell whether the conversation exists", async () => {
    const [anna, gone, stranger] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, gone]);
    await conversation.fill(gone, 2);
    await conversation.remove(gone);
    const cursors = [
      null,
      { by: "id", id: conversation.messageIds[1]! },
      { by: "time", timeUs: startUs + 5 },
    ] as const;
    const nothing = { membership: null, messages: [], hasMore: false, total: 0 };
    const { viewerReads } = on();
    for (const viewerId of [stranger, gone]) {
      for (const conversationId of [conversation.id, newId()]) {
        for (const before of cursors)
          expect(await historyOf(conversationId, viewerId, { before })).toEqual(nothing);
        const shown = await viewerReads.showConversation(viewerId, conversationId);
        expect(shown).toEqual({ membership: null, summary: null });
      }
      const list = { type: "list_conversations", viewerId, limit: 50, offset: 0 } as const;
      expect(await viewerReads.listConversations(list)).toEqual({ summaries: [], hasMore: false });
    }
  });

  test("a member who came later sees the log from there, by whatever cursor, and the members of now", async () => {
    const [anna, ben, carl] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 5);
    await conversation.remove(ben);
    await conversation.add(carl);
    await conversation.send(anna);
    await conversation.send(anna);
    const cursors: Partial<ReadHistory>[] = [
      {},
      { after: { by: "seq", seq: 1 } },
      { after: { by: "time", timeUs: startUs } },
      { before: { by: "seq", seq: 8 }, after: { by: "seq", seq: 2 } },
    ];
    for (const cursor of cursors) {
      const page = await historyOf(conversation.id, carl, cursor);
      expect(page.messages.map(({ message }) => message.seq)).toEqual([7, 6]);
      expect(page.total).toBe(2);
    }
    const { summary } = await on().viewerReads.showConversation(carl, conversation.id);
    expect(summary).toMatchObject({ lastMessage: { message: { seq: 7 } }, unreadCount: 2, messageCount: 2 });
    expect(summary?.conversation.members).toEqual([
      { userId: anna, role: "owner", joinedAtUs: startUs, joinedSeq: 0, joinedRev: 0 },
      { userId: carl, role: "member", joinedAtUs: startUs + 7, joinedSeq: 5, joinedRev: 7 },
    ]);
  });

  test("senders see how far their messages have come with those who were there and still are; the others' are just sent", async () => {
    const [anna, ben, carl, dora] = [newId(), newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben, carl]);
    await conversation.fill(anna, 4);
    await conversation.send(ben);
    await conversation.mark(ben, 5, 5);
    await conversation.mark(carl, 3, 2);
    await conversation.add(dora);
    const statuses = async (viewerId: string) =>
      (await historyOf(conversation.id, viewerId)).messages.map(({ status }) => status);
    expect(await statuses(anna)).toEqual(["sent", "sent", "delivered", "read", "read"]);
    expect(await statuses(ben)).toEqual(["sent", "sent", "sent", "sent", "sent"]);
    await conversation.remove(carl);
    expect(await statuses(anna)).toEqual(["sent", "read", "read", "read", "read"]);
    // The status is that of the rule, whatever the page.
    const { messages } = await historyOf(conversation.id, anna, { before: { by: "seq", seq: 3 } });
    const members = [anna, ben].map((userId) => ({ userId, deliveredSeq: 6, readSeq: 6, joinedSeq: 0 }));
    for (const { message, status } of messages) expect(status).toBe(statusOf(message, members));
  });

  test("a deleted message keeps its place, without its content, and an edited one tells when", async () => {
    const anna = newId();
    const conversation = await aLog(anna, [1, 2, 3]);
    await conversation.edit([1]);
    await conversation.delete([3]);
    const { messages } = await historyOf(conversation.id, anna);
    expect(messages.map(({ message }) => message)).toEqual([3, 2, 1].map((seq) => conversation.message(seq)));
    const [deleted, , edited] = messages.map(({ message }) => message);
    expect(deleted).toMatchObject({ content: "", metadata: "{}", rev: conversation.rev });
    expect(edited).toMatchObject({
      content: `edited ${conversation.rev - 1}`,
      editedAtUs: startUs + conversation.rev - 1,
    });
  });

  test("I10: a page ends with the message that exceeds a megabyte", async () => {
    const anna = newId();
    const conversation = await PortConversation.of(on(), [anna]);
    for (let sent = 0; sent < 20; sent++) await conversation.send(anna, { content: "x".repeat(60_000) });
    const page = await historyOf(conversation.id, anna);
    expect([page.messages.length, page.hasMore]).toEqual([18, true]);
    const rest = await historyOf(conversation.id, anna, { before: { by: "seq", seq: 3 } });
    expect([rest.messages.length, rest.hasMore]).toEqual([2, false]);
  });
}
