import { Type } from "@sinclair/typebox";
import type { Conversation, ConversationSettings } from "../../core/conversations/conversation.ts";
import type { ConversationSummary } from "../../core/ports/viewer-reads.ts";
import { instantText } from "./instant.ts";
import { memberSchema, memberTexts } from "./member.ts";
import { messageSchema, seenText } from "./message.ts";
import { anyObject, closed, conversationIdField, count, id, instant, nullable, oneOf } from "./schemas.ts";

/** A conversation in a list: with its newest message, and the ids of its members as far as a list names them. */
export function summaryText(summary: ConversationSummary): string {
  return `{${summaryFields(summary)}}`;
}

/** A conversation by itself: what a list tells of it, how many messages the viewer may see, and its members. */
export function conversationText(summary: ConversationSummary): string {
  const { conversation, messageCount } = summary;
  return `{${summaryFields(summary)},"message_count":${messageCount},"members":${memberTexts(conversation.members)}}`;
}

/** A conversation without its messages and members. */
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

const settingsProperties = {
  id: conversationIdField,
  type: oneOf(["direct", "group"]),
  metadata: anyObject("What its members set, as it came; the name and the group_settings are in it."),
  is_active: Type.Boolean({ description: "False: it has no members any more." }),
};

export const bareConversationSchema = closed(settingsProperties, {
  $id: "BareConversation",
  description: "What a conversation is, without what happens in it.",
});

const summaryProperties = {
  ...settingsProperties,
  name: nullable(Type.String(), "The name that the metadata holds."),
  created_at: instant("When it was created."),
  updated_at: instant("When it changed last; messages count."),
  state: oneOf(["active", "request"], "request: the viewer is asked whether they accept it."),
  head_seq: count("The seq of its newest message; 0: it has none."),
  head_rev: count("Its newest revision."),
  unread_count: count("Messages of others that the viewer has not read, counted to 1,000."),
  last_message: nullable(messageSchema, "The newest message that the viewer may see."),
  member_count: count("How many members it has."),
  member_user_ids: Type.Array(id(), { description: "Its members; of a large group those who joined first." }),
};

export const summarySchema = closed(summaryProperties, {
  $id: "ConversationSummary",
  description: "A conversation in a list.",
});

export const conversationSchema = closed(
  {
    ...summaryProperties,
    message_count: count("The messages that the viewer may see, tombstones included."),
    members: Type.Array(memberSchema),
  },
  { $id: "Conversation", description: "A conversation by itself." },
);
