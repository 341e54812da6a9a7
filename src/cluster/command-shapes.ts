import type { Command } from "../core/commands.ts";
import type { BlockedSide } from "../core/conversations/blocks.ts";
import type { AddMembers, LeaveConversation } from "../core/conversations/members.ts";
import type { GivenAttachment } from "../core/messages/attachment.ts";
import type { MarkMember } from "../core/messages/marks.ts";
import type { Outcome } from "../core/outcome.ts";
import { type RefusalCode, type Rejection, refusals } from "../core/rejection.ts";
import { event, mediaType, member, message, messageType, role } from "./event-shapes.ts";
import {
  flag,
  list,
  nullable,
  oneOf,
  optional,
  pair,
  record,
  text,
  texts,
  variants,
  whole,
} from "./shape.ts";

const sent = { id: text, conversationId: text, senderId: text } as const;
const aboutMessage = { ...sent, messageId: text } as const;
const attachment = record<GivenAttachment>({ id: text, mediaId: text, mediaType, metadata: text });
const reacted = record({ ...aboutMessage, reaction: text });

const side = record<BlockedSide>({
  userId: text,
  member: nullable(member),
  isBlocked: flag,
  hasDeclined: optional(flag),
});

export const command = variants<Command>({
  send_message: record({
    ...sent,
    messageType,
    content: text,
    metadata: text,
    deviceTag: whole,
    clientRandom: nullable(whole),
    replyToId: nullable(text),
    attachments: nullable(list(attachment)),
    mentions: flag,
  }),
  edit_message: record({
    ...aboutMessage,
    content: text,
    metadata: nullable(text),
    mentions: flag,
    withinUs: whole,
  }),
  delete_message: record({ ...aboutMessage, withinUs: whole }),
  attach_media: record({ ...aboutMessage, attachment, withinUs: whole }),
  add_reaction: reacted,
  remove_reaction: reacted,
  add_members: record<Omit<AddMembers, "type">>({ ...sent, userIds: list(text), asksFirst: optional(flag) }),
  remove_member: record({ ...sent, userId: text }),
  leave_conversation: record<Omit<LeaveConversation, "type">>({ ...sent, allowsReadding: optional(flag) }),
  change_role: record({ ...sent, userId: text, role }),
  update_conversation: record({ ...sent, metadata: text, maxMetadataBytes: whole }),
  accept_conversation: record(sent),
  decline_conversation: record(sent),
  return_to_direct: record({ ...sent, otherUserId: text }),
  apply_blocks: record({ ...sent, sides: pair(side) }),
});

export const mark = variants<MarkMember>({
  mark: record({ conversationId: text, userId: text, kind: oneOf("delivered", "read"), seq: whole }),
});

const codes = Object.keys(refusals) as RefusalCode[];

const rejection = record<Omit<Rejection, "type">>({
  code: oneOf(...codes),
  message: text,
  details: optional(texts),
  retryAfterMs: optional(whole),
});

export const outcome = variants<Outcome>({
  done: record({ events: list(event) }),
  unchanged: record({ message }),
  duplicate: record({ message, differs: flag }),
  rejection,
});
