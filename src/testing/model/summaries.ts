import { type Conversation, listedMembers } from "../../core/conversations/conversation.ts";
import type { Message } from "../../core/messages/message.ts";
import { partialOf } from "../../core/messages/partial-message.ts";
import type { ConversationSummary, ViewerReads } from "../../core/ports/viewer-reads.ts";
import type { ListConversations } from "../../core/queries.ts";
import { byStanding, headOf, type Log, memberOf, presentIn, settingsOf } from "./log.ts";
import type { ModelStore } from "./model-store.ts";
import { maxPageBytes, seenBy, storedBytes } from "./sight.ts";

const maxUnread = 1_000;

/** Returns what store/reads/conversation-reads.ts does for one conversation. */
export function summaryOf(model: ModelStore, log: Log, viewerId: string): ConversationSummary {
  const { joinedSeq, pending } = log.members.get(viewerId)!;
  const last = lastOf(log, viewerId);
  return {
    conversation: conversationOf(log),
    memberCount: presentIn(log).length,
    lastMessage: last ? seenBy(model, log, last, viewerId) : null,
    pending: pending ?? null,
    unreadCount: unreadCount(log, viewerId),
    messageCount: log.messages.length - joinedSeq,
  };
}

/** Returns what store/reads/conversation-reads.ts does for a list. */
export async function listOf(
  model: ModelStore,
  { viewerId, limit, offset }: ListConversations,
): ReturnType<ViewerReads["listConversations"]> {
  const found = model
    .logsOf(viewerId)
    .filter(({ isActive }) => isActive)
    .sort(byActivity)
    .slice(offset, offset + limit + 1);
  const whole = wholeOf(found, viewerId);
  return {
    summaries: found.slice(0, limit).map((log) => listed(summaryOf(model, log, viewerId), whole.has(log.id))),
    hasMore: found.length > limit,
  };
}

function byActivity(one: Log, other: Log): number {
  return activeAt(other) - activeAt(one) || (one.id < other.id ? 1 : -1);
}

function activeAt({ messages, createdAtUs }: Log): number {
  return messages.at(-1)?.sentAtUs ?? createdAtUs;
}

/** The conversations whose last message is whole in the list: the smallest first, until a page is full. */
function wholeOf(logs: readonly Log[], viewerId: string): ReadonlySet<string> {
  const sized = logs.flatMap((log) => {
    const last = lastOf(log, viewerId);
    return last ? [{ id: log.id, bytes: storedBytes(last) }] : [];
  });
  sized.sort((one, other) => one.bytes - other.bytes || (one.id < other.id ? -1 : 1));
  const whole = new Set<string>();
  let sum = 0;
  for (const { id, bytes } of sized) {
    sum += bytes;
    if (sum <= maxPageBytes) whole.add(id);
  }
  return whole;
}

function listed(summary: ConversationSummary, isWhole: boolean): ConversationSummary {
  const { conversation, lastMessage } = summary;
  const isGroup = conversation.type === "group";
  const memberUserIds = isGroup
    ? conversation.memberUserIds.slice(0, listedMembers)
    : conversation.memberUserIds;
  return {
    ...summary,
    conversation: { ...conversation, members: [], memberUserIds },
    lastMessage: lastMessage && !isWhole ? partialOf(lastMessage) : lastMessage,
  };
}

function conversationOf(log: Log): Conversation {
  const members = presentIn(log).sort(byStanding).map(memberOf);
  return {
    ...settingsOf(log),
    createdAtUs: log.createdAtUs,
    updatedAtUs: log.updatedAtUs,
    members,
    memberUserIds: log.pair ?? members.map(({ userId }) => userId),
    head: headOf(log),
  };
}

/** The newest message, if the viewer may see it. */
function lastOf({ messages, members }: Log, viewerId: string): Message | null {
  const last = messages.at(-1);
  return last && last.seq > members.get(viewerId)!.joinedSeq ? last : null;
}

function unreadCount({ messages, members, unreadFrom }: Log, viewerId: string): number {
  const { joinedSeq, readSeq } = members.get(viewerId)!;
  const from = Math.max(
    joinedSeq,
    Math.min(readSeq, (unreadFrom.get(viewerId) ?? Number.POSITIVE_INFINITY) - 1),
  );
  const unread = messages.filter(
    ({ seq, senderId, deletedAtUs }) => seq > from && senderId !== viewerId && deletedAtUs === null,
  );
  return Math.min(unread.length, maxUnread);
}
