import type { Conversation, ConversationSettings } from "../../core/conversations/conversation.ts";
import type { ConversationSummary } from "../../core/ports/viewer-reads.ts";
import { instantText } from "./instant.ts";
import { memberTexts } from "./member.ts";
import { seenText } from "./message.ts";

/** A conversation in a list: with its newest message, and the ids of its members as far as a list names them. */
export function summaryText(summary: ConversationSummary): string {
  return `{${summaryFields(summary)}}`;
}

/** A conversation by itself: what a list tells of it, how many messages the viewer may see, and its members. */
export function conversationText(summary: ConversationSummary): string {
  const { conversation, messageCount } = summary;
  return `{${summaryFields(summary)},"message_count":${messageCount},"members":${memberTexts(conversation.members)}}`;
}

/** What a conversation is, without what happens in it. */
export function bareConversationText({ id, type, metadata, isActive }: ConversationSettings): string {
  return `{"id":"${id}","type":"${type}","metadata":${metadata},"is_active":${isActive}}`;
}

function summaryFields({
  conversation,
  memberCount,
  lastMessage,
  pending,
  unreadCount,
}: ConversationSummary): string {
  const { id, type, metadata, isActive, createdAtUs, head, memberUserIds } = conversation;
  return (
    `"id":"${id}","type":"${type}","name":${nameText(metadata)},"metadata":${metadata},"is_active":${isActive},` +
    `"created_at":"${instantText(createdAtUs)}","updated_at":"${instantText(lastMovedAtUs(conversation))}",` +
    `"state":"${pending === "request" ? "request" : "active"}",` +
    `"head_seq":${head.seq},"head_rev":${head.rev},"unread_count":${unreadCount},` +
    `"last_message":${lastMessage ? seenText(lastMessage) : "null"},` +
    `"member_count":${memberCount},"member_user_ids":[${memberUserIds.map((userId) => `"${userId}"`).join()}]`
  );
}

/** The name that the metadata holds. It is parsed only where there is one: a list is read every few seconds. */
function nameText(metadata: string): string {
  if (!metadata.includes(`"name"`)) return "null";
  const { name } = JSON.parse(metadata) as { readonly name?: unknown };
  return typeof name === "string" ? JSON.stringify(name) : "null";
}

/** A conversation moves with its messages, not only with its settings. */
function lastMovedAtUs({ updatedAtUs, head }: Conversation): number {
  return Math.max(updatedAtUs, head.lastMessageAtUs ?? 0);
}
