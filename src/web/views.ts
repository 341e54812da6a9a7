import type { Conversation, Member } from "../core/conversations/conversation.ts";
import { formatSecond } from "../core/instant.ts";
import type { Message } from "../core/messages/message.ts";
import type { ConversationSummary, JoinFacts } from "../core/ports/store.ts";
import type { Session } from "./session.ts";

/**
 * JSON text of what clients see. Concatenated, because a message is encoded for each one that is sent: only what clients
 * wrote is escaped, metadata is JSON text already, ids and numbers need nothing.
 */

/**
 * The fields of contract/rest.md 1.3 with `seq` and `rev`. What a client takes for false or null when it is absent
 * (`forwarded_from_id`, `delete_for_everyone`) is left out: every byte is sent once per member.
 */
export function messageText(message: Message): string {
  return (
    `{"id":"${message.id}","conversation_id":"${message.conversationId}","seq":${message.seq},"rev":${message.rev},` +
    `"sender_id":"${message.senderId}","message_type":"${message.messageType}",` +
    `"content":${JSON.stringify(message.content)},"metadata":${message.metadata},` +
    `"client_random":${message.clientRandom},"sent_at":"${instantText(message.sentAtUs)}",` +
    `"reply_to_id":null,"edited_at":null,"is_deleted":false,"status":"sent"}`
  );
}

/** A conversation in a list: with its newest message and the ids of its members. */
export function summaryText(summary: ConversationSummary): string {
  return `{${summaryFields(summary)}}`;
}

/** A conversation by itself: what a list tells of it, and its members. */
export function conversationText(summary: ConversationSummary): string {
  const { members } = summary.conversation;
  return `{${summaryFields(summary)},"member_count":${members.length},"members":[${members.map(memberText).join()}]}`;
}

/** The ok of a join of `conversation:<id>`; null when the store does not know all of it. */
export function joinedConversationText({ conversation, head }: JoinFacts): string | null {
  if (!conversation || !head) return null;
  return (
    `{"conversation":{"id":"${conversation.id}","type":"${conversation.type}",` +
    `"metadata":${conversation.metadata},"is_active":${conversation.isActive}},` +
    `"head_seq":${head.seq},"head_rev":${head.rev}}`
  );
}

/** The ok of a join of `user:<id>`. */
export function joinedUserText({ userId, deviceId }: Session): string {
  return `{"user_id":"${userId}","device_id":${JSON.stringify(deviceId)}}`;
}

function summaryFields({ conversation, lastMessage }: ConversationSummary): string {
  const { id, type, metadata, isActive, createdAtUs, head, members } = conversation;
  return (
    `"id":"${id}","type":"${type}","metadata":${metadata},"is_active":${isActive},` +
    `"created_at":"${instantText(createdAtUs)}","updated_at":"${instantText(lastMovedAtUs(conversation))}",` +
    `"head_seq":${head.seq},"head_rev":${head.rev},` +
    `"last_message":${lastMessage ? messageText(lastMessage) : "null"},` +
    `"member_user_ids":[${members.map((member) => `"${member.userId}"`).join()}]`
  );
}

function memberText({ userId, role, joinedAtUs }: Member): string {
  return `{"user_id":"${userId}","role":"${role}","joined_at":"${instantText(joinedAtUs)}","is_active":true}`;
}

/** A conversation moves with its messages, not only with its settings. */
function lastMovedAtUs({ updatedAtUs, head }: Conversation): number {
  return Math.max(updatedAtUs, head.lastMessageAtUs ?? 0);
}

/** The text of the second that was formatted last: 0.1 µs instead of 0.4 for each of the messages of one second. */
let cachedSecond = 0;
let cachedText = formatSecond(0);

/** ISO 8601 in UTC with six digits, from microseconds since the Unix epoch. */
export function instantText(us: number): string {
  const second = Math.floor(us / 1_000_000);
  if (second !== cachedSecond) {
    cachedText = formatSecond(second);
    cachedSecond = second;
  }
  return `${cachedText}.${String(us - second * 1_000_000).padStart(6, "0")}Z`;
}
