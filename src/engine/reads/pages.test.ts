import { expect, test } from "bun:test";
import fc from "fast-check";
import type { MemberRecord } from "../../core/conversations/conversation.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import type { ConversationSummary } from "../../core/ports/viewer-reads.ts";
import type { ReadHistory } from "../../core/queries.ts";
import { messageSentAs } from "../../testing/builders/builders.ts";
import { encodedSize } from "../sync/written-size.ts";
import { maxPageBytes, pageOfChanges, pageOfHistory, pageOfList } from "./pages.ts";

const controls = (count: number) => "\u0001".repeat(count);

function seen(rev: number, content: string): SeenMessage {
  return { message: messageSentAs({ seq: rev, rev, createdRev: rev, content }), status: "sent" };
}

function record(rev: number): MemberRecord {
  const times = { joinedAtUs: 0, joinedSeq: 0, joinedRev: rev, leftSeq: null, leftAtUs: null };
  return { userId: crypto.randomUUID(), role: "member", rev, ...times };
}

function difference(messages: readonly SeenMessage[], members: readonly MemberRecord[]): Changes {
  const rev = Math.max(...messages.map(({ message }) => message.rev), ...members.map((each) => each.rev), 0);
  return {
    conversationId: "c",
    membership: { role: "member" },
    head: { seq: rev, rev, membersRev: rev, lastMessageAtUs: null },
    isExpired: false,
    generation: 1,
    messages,
    members,
    conversation: null,
    marks: [],
    next: { conversationId: "c", seq: rev, rev },
    hasMore: false,
  };
}

test("I6, I10: a difference ends by its bytes as JSON before a revision, and each page goes on", () => {
  const part = fc.record({ size: fc.constantFrom(0, 10_000, 65_000), members: fc.constantFrom(0, 1, 900) });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), (parts) => {
      const messages = parts.map(({ size }, index) => seen(index + 1, controls(size)));
      const members = parts.flatMap(({ members: count }, index) =>
        Array.from({ length: count }, () => record(index)),
      );
      const read: number[] = [];
      const joined: string[] = [];
      for (let since = 0, hasMore = true; hasMore; ) {
        const isAfter = (rev: number) => rev > since || since === 0;
        const rest = difference(
          messages.filter(({ message }) => isAfter(message.rev)),
          members.filter(({ rev }) => isAfter(rev)),
        );
        const page = pageOfChanges(rest, since);
        const bytes = page.messages.reduce((sum, each) => sum + encodedSize(each), 0);
        const revisions = new Set([...page.messages.map(({ message }) => message.rev)]);
        if (revisions.size > 1) expect(bytes).toBeLessThanOrEqual(maxPageBytes);
        read.push(...page.messages.map(({ message }) => message.rev));
        joined.push(...page.members.map(({ userId }) => userId));
        hasMore = page.hasMore;
        expect(page.next.rev > since || !hasMore).toBe(true);
        since = page.next.rev;
      }
      expect(read).toEqual(messages.map(({ message }) => message.rev));
      expect(joined.toSorted()).toEqual(members.map(({ userId }) => userId).sort());
    }),
    { numRuns: 60 },
  );
});

test("I10: history ends by its bytes as JSON at the end where the cursor is, and one large message is a page", () => {
  const messages = Array.from({ length: 5 }, (_, index) => seen(5 - index, controls(65_000)));
  const page = { membership: { role: "member" }, messages, hasMore: false, total: 5 } as const;
  const seqsOf = (query: Partial<ReadHistory>) => {
    const cut = pageOfHistory(page, { before: null, after: null, ...query } as ReadHistory);
    return [cut.messages.map(({ message }) => message.seq), cut.hasMore];
  };
  expect(seqsOf({})).toEqual([[5, 4], true]);
  expect(seqsOf({ after: { by: "seq", seq: 0 } })).toEqual([[2, 1], true]);
  const one = { ...page, messages: [seen(1, controls(200_000))] };
  expect(pageOfHistory(one, { before: null, after: null } as ReadHistory)).toEqual(one);
});

function summary(content: string, metadata = "{}"): ConversationSummary {
  return {
    conversation: { metadata, memberUserIds: [] } as unknown as ConversationSummary["conversation"],
    memberCount: 2,
    lastMessage: seen(1, content),
    pending: null,
    unreadCount: 0,
    messageCount: 1,
  };
}

test("I10: in a list, last messages are whole as far as they fit as JSON, and no conversation loses its place by them", () => {
  const summaries = Array.from({ length: 50 }, (_, index) => summary(index % 2 ? controls(65_000) : "hello"));
  const page = pageOfList({ summaries, hasMore: false });
  expect([page.summaries.length, page.hasMore]).toEqual([50, false]);
  const contents = page.summaries.map(({ lastMessage }) => lastMessage!.message.content.length);
  expect(contents.filter((_, index) => index % 2 === 0)).toEqual(Array(25).fill(5));
  expect(contents.filter((length) => length === 65_000)).toHaveLength(2);
  const partial = page.summaries.filter(({ lastMessage }) => lastMessage?.isPartial);
  expect(partial).toHaveLength(23);
});

test("I10: a list ends where its conversations do not fit, and says that there is more", () => {
  const summaries = Array.from({ length: 100 }, () => summary("hello", `{"about":"${"x".repeat(16_000)}"}`));
  const page = pageOfList({ summaries, hasMore: false });
  expect(page.summaries.length).toBeWithin(50, 65);
  expect(page.hasMore).toBe(true);
});
