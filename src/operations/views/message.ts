import { Type } from "@sinclair/typebox";
import type { MessageStatus } from "../../core/messages/marks.ts";
import type { Message, ReplyTo } from "../../core/messages/message.ts";
import { shownReactions } from "../../core/messages/reaction.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import { attachmentSchema, attachmentTexts } from "./attachment.ts";
import { instantText } from "./instant.ts";
import { reactionSchema, reactionSummarySchema, reactionSummaryText, reactionTexts } from "./reaction.ts";
import {
  anyObject,
  closed,
  conversationIdField,
  id,
  instant,
  nullable,
  oneOf,
  revField,
  seqField,
} from "./schemas.ts";

/**
 * JSON text of what clients see. Concatenated, because a message is encoded for each one that is sent: only what clients
 * wrote is escaped, metadata is JSON text already, ids and numbers need nothing.
 */

/**
 * The fields of a message, with `seq` and `rev`. What a client takes for false or null when it is absent
 * (`forwarded_from_id`, `delete_for_everyone`) is left out: every byte is sent once per member. Without a status given, a message that
 * just entered the log is `sent`; of one that changed since only the store knows it, and what is absent leaves a client's tick alone.
 */
export function messageText(message: Message, status?: MessageStatus): string {
  const isFresh = status === undefined && message.rev === message.createdRev;
  const isPlain = isFresh && message.replyTo === null && message.attachments === null;
  return (
    `{"id":"${message.id}","conversation_id":"${message.conversationId}","seq":${message.seq},"rev":${message.rev},` +
    `"sender_id":"${message.senderId}","message_type":"${message.messageType}",` +
    `"content":${JSON.stringify(message.content)},"metadata":${message.metadata},` +
    `"client_random":${message.clientRandom},"sent_at":"${instantText(message.sentAtUs)}${isPlain ? asItWasSent : restOf(message, isFresh ? "sent" : status)}`
  );
}

/** A message as its viewer sees it; `is_partial` where what clients wrote of it is left out. */
export function seenText({ message, status, isPartial }: SeenMessage): string {
  const text = messageText(message, status);
  return isPartial ? `${text.slice(0, -1)},"is_partial":true}` : text;
}

export function seenTexts(messages: readonly SeenMessage[]): string {
  return `[${messages.map(seenText).join()}]`;
}

/** Follows `sent_at` in a plain message that just entered the log. One piece, because each one more is a tenth of the encoding. */
const asItWasSent = `","reply_to_id":null,"edited_at":null,"is_deleted":false,"status":"sent"}`;

/** Returns the text that follows `sent_at` in any message. */
function restOf(message: Message, status: MessageStatus | undefined): string {
  const { editedAtUs, deletedAtUs } = message;
  const editedAt = editedAtUs === null ? "null" : `"${instantText(editedAtUs)}"`;
  const deleted = deletedAtUs === null ? "false" : `true,"delete_for_everyone":true`;
  const told = status === undefined ? "" : `,"status":"${status}"`;
  return `",${replyFields(message)},"edited_at":${editedAt},"is_deleted":${deleted}${told}${relationFields(message)}}`;
}

function replyFields({ replyTo }: Message): string {
  if (!replyTo) return `"reply_to_id":null`;
  return `"reply_to_id":"${replyTo.id}","reply_to":${quoteText(replyTo)}`;
}

function quoteText({ id, seq, quote }: ReplyTo): string {
  if (!quote) return "null";
  const content = quote.content === null ? "null" : JSON.stringify(quote.content);
  return (
    `{"id":"${id}","seq":${seq},"sender_id":"${quote.senderId}","message_type":"${quote.messageType}",` +
    `"content":${content},"is_deleted":${quote.isDeleted}}`
  );
}

/** Absent where there are none. */
function relationFields({ id, attachments, reactions }: Message): string {
  const attached = attachments ? `,"attachments":${attachmentTexts(id, attachments)}` : "";
  if (!reactions) return attached;
  const first = reactions.list.slice(0, shownReactions);
  return `${attached},"reactions":${reactionTexts(id, first)},"reaction_summary":${reactionSummaryText(reactions)}`;
}

const quoteSchema = closed(
  {
    id: id("The message that is answered."),
    seq: seqField,
    sender_id: id("Who sent it."),
    message_type: oneOf(["text", "media", "system"]),
    content: nullable(
      Type.String(),
      "Its beginning as it is now; null where it was deleted or is too long to quote.",
    ),
    is_deleted: Type.Boolean(),
  },
  { $id: "Quote", description: "The message that is answered, as the viewer sees it." },
);

/** A message as it is sent to its members, and as its viewer reads it. */
export const messageSchema = closed(
  {
    id: id("The message."),
    conversation_id: conversationIdField,
    seq: seqField,
    rev: revField,
    sender_id: id("Who sent it."),
    message_type: oneOf(["text", "media", "system"]),
    content: Type.String({
      description: "What the sender wrote, character for character. Empty when it was deleted.",
    }),
    metadata: anyObject("The metadata of the sender, unchanged."),
    client_random: nullable(Type.Integer({ minimum: 0 }), "The key under which it was sent."),
    sent_at: instant("When it was sent."),
    reply_to_id: nullable(id(), "The message that it answers."),
    reply_to: Type.Optional(nullable(quoteSchema, "That message; null: the viewer does not see it.")),
    edited_at: nullable(instant("When it was edited last.")),
    is_deleted: Type.Boolean(),
    delete_for_everyone: Type.Optional(Type.Literal(true)),
    status: Type.Optional(
      oneOf(
        ["sent", "delivered", "read"],
        "How far it has come, to its sender. Absent in pushes of a change.",
      ),
    ),
    attachments: Type.Optional(Type.Array(attachmentSchema)),
    reactions: Type.Optional(
      Type.Array(reactionSchema, {
        description: "The newest ones; all of them are at /messages/{id}/reactions.",
      }),
    ),
    reaction_summary: Type.Optional(reactionSummarySchema),
    is_partial: Type.Optional(
      Type.Literal(true, {
        description: "Content and metadata are left out, because they are too large for a list.",
      }),
    ),
  },
  {
    $id: "Message",
    description: "A message. What was deleted keeps its place as a tombstone without content.",
  },
);
