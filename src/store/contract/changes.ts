import { expect, test } from "bun:test";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import { counted, type StoreStage } from "./stage.ts";

/** What `changes` says. That pages are the whole difference, whatever happens: store/reads/changes-reads.test.ts. */
export function changesContract(on: () => StoreStage): void {
  const request = ({ id }: PortConversation, given: Partial<ChangesRequest>): ChangesRequest => ({
    conversationId: id,
    viewerId: null,
    sinceRev: 0,
    generation: 1,
    sinceSeq: null,
    limit: 100,
    ...given,
  });
  const changesOf = async (
    conversation: PortConversation,
    given: Partial<ChangesRequest>,
  ): Promise<Changes> => (await on().syncReads.changes([request(conversation, given)]))[0]!;
  const seqsOf = ({ messages }: Changes) => messages.map(({ message }) => message.seq);

  test("500 requests are one query, each answered within its own limit and for its own viewer", async () => {
    const [anna, ben, stranger] = [newId(), newId(), newId()];
    const one = await PortConversation.of(on(), [anna, ben]);
    const other = await PortConversation.of(on(), [ben]);
    const [first, later] = [one.rev, other.rev];
    await one.fill(anna, 30);
    await other.fill(ben, 7);
    const viewers = [anna, ben, stranger, null];
    const requests = Array.from({ length: 500 }, (_, index) =>
      request(index % 3 ? one : other, {
        viewerId: viewers[index % 4]!,
        limit: (index % 9) + 1,
        sinceRev: (index % 3 ? first : later) + (index % 40),
      }),
    );
    const { result: answers, reads } = await counted(on(), () => on().syncReads.changes(requests));
    expect(reads ?? 1).toBe(1);
    for (const [index, answer] of answers.entries()) {
      const { viewerId, limit, conversationId } = requests[index]!;
      const since = index % 40;
      const length = conversationId === one.id ? 30 : 7;
      const sees = viewerId === null || viewerId === ben || (viewerId === anna && conversationId === one.id);
      const count = sees ? Math.max(0, Math.min(limit, length - since)) : 0;
      expect(answer.conversationId).toBe(conversationId);
      expect(seqsOf(answer)).toEqual(Array.from({ length: count }, (_, place) => since + place + 1));
      expect(answer.isExpired).toBe(sees && since > length);
      expect(answer.hasMore).toBe(sees && since < length && length - since > limit);
      expect(answer.membership === null).toBe(!sees || viewerId === null);
    }
  });

  test("a page never cuts inside a revision: it ends before one that does not fit, and is longer where nothing else would", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 20);
    await conversation.edit([3]);
    await conversation.edit([4, 5, 6, 7, 8]);
    await conversation.edit([9]);
    const pageSince = (sinceRev: number) => changesOf(conversation, { viewerId: anna, sinceRev, limit: 3 });
    const pages = [await pageSince(20), await pageSince(21), await pageSince(22)];
    expect(pages.map(seqsOf)).toEqual([[3], [4, 5, 6, 7, 8], [9]]);
    expect(pages).toMatchObject([
      { hasMore: true, next: { seq: 20, rev: 21 } },
      { hasMore: true, next: { seq: 20, rev: 22 } },
      { hasMore: false, next: { seq: 20, rev: 23 } },
    ]);
  });

  test("a member who came later learns nothing of what was before: no message, no edit of one, nobody who had left", async () => {
    const [anna, ben, carl] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 5);
    await conversation.remove(ben);
    await conversation.add(carl);
    await conversation.send(anna);
    await conversation.edit([2, 6]);
    const answer = await changesOf(conversation, { viewerId: carl });
    expect(answer.messages.map(({ message }) => [message.seq, message.content])).toEqual([[6, "edited 9"]]);
    expect(answer.members.map(({ userId }) => userId).sort()).toEqual([anna, carl].sort());
    expect(answer.next).toEqual({ conversationId: conversation.id, seq: 6, rev: 9 });
    expect(seqsOf(await changesOf(conversation, { viewerId: carl, sinceRev: 8, sinceSeq: 6 }))).toEqual([6]);
    const whole = await changesOf(conversation, {});
    expect(seqsOf(whole)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(whole.members.find(({ userId }) => userId === ben)).toMatchObject({ leftSeq: 5, rev: 6 });
  });

  test("a cursor from beyond the head or from before the membership cannot be resumed from, and 0 always can", async () => {
    const [anna, ben, late] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 3);
    await conversation.add(late);
    const expiredFor = async (viewerId: string | null, sinceRev: number) => {
      const answer = await changesOf(conversation, { viewerId, sinceRev });
      if (answer.isExpired) {
        expect(answer).toMatchObject({ messages: [], members: [], conversation: null, hasMore: false });
        expect(answer).toMatchObject({ head: { rev: 4 }, next: { seq: 3, rev: 4 } });
      }
      return answer.isExpired;
    };
    const asked = [0, 3, 4, 5];
    const answers = async (viewerId: string | null) =>
      Promise.all(asked.map((sinceRev) => expiredFor(viewerId, sinceRev)));
    expect(await answers(anna)).toEqual([false, false, false, true]);
    expect(await answers(late)).toEqual([false, true, false, true]);
    expect(await answers(null)).toEqual([false, false, false, true]);
    expect(await answers(newId())).toEqual([false, false, false, false]);
  });

  test("a deleted message comes as what is left of it, under its seq", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 3);
    await conversation.delete([2]);
    const { messages } = await changesOf(conversation, { viewerId: anna, sinceRev: 3 });
    expect(messages).toEqual([{ message: conversation.message(2), status: "sent" }]);
  });

  test("what the conversation is comes with its change, to the node always", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.rename();
    await conversation.fill(anna, 2);
    const changedFor = async (viewerId: string | null, sinceRev: number, limit: number) =>
      (await changesOf(conversation, { viewerId, sinceRev, limit })).conversation?.metadata;
    expect(await changedFor(anna, 0, 9)).toBe('{"name":"1"}');
    expect(await changedFor(anna, 1, 9)).toBeUndefined();
    expect(await changedFor(null, 1, 1)).toBe('{"name":"1"}');
  });

  test("I10: a page ends where it has its bytes, however many rows it may hold, and the pages are the whole difference", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    for (let sent = 0; sent < 30; sent++) await conversation.send(anna, { content: "x".repeat(60_000) });
    const seqs: number[] = [];
    for (let sinceRev = 0, hasMore = true; hasMore; ) {
      const page = await changesOf(conversation, { viewerId: anna, sinceRev, limit: 500, maxBytes: 200_000 });
      expect(page.messages.length).toBeLessThanOrEqual(4);
      seqs.push(...seqsOf(page));
      expect(page.next).toMatchObject({ seq: seqs.at(-1), rev: seqs.at(-1) });
      hasMore = page.hasMore;
      sinceRev = page.next.rev;
    }
    expect(seqs).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    const whole = await changesOf(conversation, { viewerId: anna, sinceRev: 0, limit: 500 });
    expect([whole.messages.length, whole.hasMore]).toEqual([18, true]);
  });
}
