import {
  type ConversationSettings,
  type Member,
  type MemberRecord,
  roles,
} from "../core/conversations/conversation.ts";
import type { SettingsChange } from "../core/conversations/conversation-changed.ts";
import type { MemberChanged } from "../core/conversations/member-changed.ts";
import type { Event } from "../core/events.ts";
import { type Attachment, mediaTypes } from "../core/messages/attachment.ts";
import {
  type Message,
  type MessageChanged,
  messageTypes,
  type Quote,
  type ReactionChanged,
  type ReplyTo,
} from "../core/messages/message.ts";
import type { Reaction, Reactions } from "../core/messages/reaction.ts";
import {
  type Fields,
  flag,
  list,
  mapOf,
  nullable,
  oneOf,
  optional,
  record,
  text,
  variants,
  whole,
} from "./shape.ts";

export const role = oneOf(...roles);
export const messageType = oneOf(...messageTypes);
export const mediaType = oneOf(...mediaTypes);

const memberFields: Fields<Member> = {
  userId: text,
  role,
  joinedAtUs: whole,
  joinedSeq: whole,
  joinedRev: whole,
  pending: optional(oneOf("added", "request")),
};

export const member = record<Member>(memberFields);

const memberRecord = record<MemberRecord>({
  rev: whole,
  leftSeq: nullable(whole),
  leftAtUs: nullable(whole),
  staysOutUntilUs: optional(whole),
  ...memberFields,
});

const quote = record<Quote>({
  senderId: text,
  messageType,
  content: nullable(text),
  isDeleted: flag,
});

const attachment = record<Attachment>({
  id: text,
  mediaId: text,
  mediaType,
  metadata: text,
  createdAtUs: whole,
});

const reaction = record<Reaction>({ id: text, userId: text, reaction: text, reactedAtUs: whole });

const messageFields: Fields<Message> = {
  conversationId: text,
  rev: whole,
  createdRev: whole,
  seq: whole,
  id: text,
  senderId: text,
  messageType,
  content: text,
  metadata: text,
  clientRandom: nullable(whole),
  sentAtUs: whole,
  editedAtUs: nullable(whole),
  deletedAtUs: nullable(whole),
  replyTo: nullable(record<ReplyTo>({ id: text, seq: whole, quote: nullable(quote) })),
  attachments: nullable(list(attachment)),
  reactions: nullable(record<Reactions>({ list: list(reaction), counts: mapOf(whole) })),
};

export const message = record<Message>(messageFields);

const change = { conversationId: text, rev: whole } as const;
const messageChanged = record<Omit<MessageChanged, "type">>({ ...change, changeId: text, message });
const reactionChanged = record<Omit<ReactionChanged, "type">>({
  ...change,
  changeId: text,
  message,
  reaction,
});
const memberChanged = record<Omit<MemberChanged, "type">>({
  ...change,
  actorId: text,
  atUs: whole,
  member: memberRecord,
});
const conversation = record<ConversationSettings>({
  id: text,
  type: oneOf("direct", "group"),
  metadata: text,
  isActive: flag,
});

export const event = variants<Event>({
  // The message last: a field that is added to its end is at the end here as well.
  message_sent: record({ deviceTag: whole, releasesKeyOf: nullable(whole), ...messageFields }),
  message_edited: messageChanged,
  message_deleted: messageChanged,
  media_attached: messageChanged,
  reaction_added: reactionChanged,
  reaction_removed: reactionChanged,
  member_added: memberChanged,
  member_removed: memberChanged,
  member_role_changed: memberChanged,
  member_blocked: memberChanged,
  member_unblocked: memberChanged,
  member_took_part: memberChanged,
  request_accepted: memberChanged,
  request_declined: memberChanged,
  conversation_changed: record({
    ...change,
    atUs: whole,
    conversation,
    change: nullable(record<SettingsChange>({ actorId: text, names: list(text) })),
  }),
  conversation_deactivated: record({ ...change, atUs: whole }),
});
