import type { MessageStatus } from "../../core/messages/marks.ts";
import type { Message, ReplyTo } from "../../core/messages/message.ts";
import { shownReactions } from "../../core/messages/reaction.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import { attachmentTexts } from "./attachment.ts";
import { instantText } from "./instant.ts";
import { reactionSummaryText, reactionTexts } from "./reaction.ts";

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

/** What follows `sent_at` in a plain message that just entered the log. One piece, because each one more is a tenth of the encoding. */
const asItWasSent = `","reply_to_id":null,"edited_at":null,"is_deleted":false,"status":"sent"}`;

/** What follows `sent_at` in any message. */
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
