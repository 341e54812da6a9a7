import type { MemberMarks } from "../../core/conversations/conversation.ts";
import type { MarkedMessage, MarkMoved, StatusChange } from "../../core/messages/marks.ts";
import type { MarksFrame, OwnFrame } from "../../core/ports/pubsub.ts";
import { instantText } from "./instant.ts";

/** How far each member has received and read. */
export function marksText(marks: readonly MemberMarks[]): string {
  return `[${marks.map(markText).join()}]`;
}

/** The push to a message's sender: how far it has come, and by whom. */
export function deliveryStatusText(frame: MarksFrame, { message, status }: StatusChange): string {
  const mover = frame.moved.find((move) => movedOver(move, message.seq) && move.userId !== message.senderId);
  return (
    `{"message_id":"${message.id}","conversation_id":"${frame.conversationId}","seq":${message.seq},` +
    `"user_id":${mover ? `"${mover.userId}"` : "null"},"status":"${status}","timestamp":"${instantText(frame.atUs)}"}`
  );
}

/** The push to those who wrote: a member has read everything up to `seq`; `message` is the receiver's newest among them. */
export function messageReadText(
  frame: MarksFrame,
  { userId, readTo }: MarkMoved,
  message: MarkedMessage,
): string {
  return (
    `{"user_id":"${userId}","message_id":"${message.id}",` +
    `"conversation_id":"${frame.conversationId}","seq":${readTo},"timestamp":"${instantText(frame.atUs)}"}`
  );
}

/** The push to a user's own devices: from which message on he wants to see the conversation as unread; null: not any more. */
export function ownUnreadText({ conversationId, ownRev, unreadFrom }: OwnFrame): string {
  const messageId = unreadFrom ? `"${unreadFrom.messageId}"` : "null";
  return `{"message_id":${messageId},"conversation_id":"${conversationId}","own_rev":${ownRev}}`;
}

function markText({ userId, deliveredSeq, readSeq }: MemberMarks): string {
  return `{"user_id":"${userId}","delivered_seq":${deliveredSeq},"read_seq":${readSeq}}`;
}

function movedOver({ deliveredFrom, deliveredTo, readFrom, readTo }: MarkMoved, seq: number): boolean {
  return (deliveredFrom < seq && seq <= deliveredTo) || (readFrom < seq && seq <= readTo);
}
