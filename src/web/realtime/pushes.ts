import type { ConversationChanged } from "../../core/conversations/conversation-changed.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { MarkMoved, StatusChange } from "../../core/messages/marks.ts";
import type { Message, ReactionChanged } from "../../core/messages/message.ts";
import type { ChangeFrame, MarksFrame, OwnFrame, TypingFrame } from "../../core/ports/pubsub.ts";
import type { UnreadChanged } from "../../core/private/own-change.ts";
import { bareConversationText } from "../../operations/views/conversation.ts";
import { instantText } from "../../operations/views/instant.ts";
import { memberRecordText } from "../../operations/views/member.ts";
import { messageText } from "../../operations/views/message.ts";

/** JSON text of the pushes of docs/protocol.md, with `rev` where all members see the change. */

/** `message_updated` and `message_edited`. `encoded`: the message's text, if it was made already. */
export function editedText(message: Message, encoded: string = messageText(message)): string {
  return `{"message":${encoded},"conversation_id":"${message.conversationId}","rev":${message.rev}}`;
}

/** `message_deleted`, for everyone: what stays of the message is its tombstone. */
export function deletedText(message: Message, encoded: string = messageText(message)): string {
  return (
    `{"id":"${message.id}","message_id":"${message.id}","conversation_id":"${message.conversationId}",` +
    `"seq":${message.seq},"rev":${message.rev},"delete_for_everyone":true,"message":${encoded}}`
  );
}

/** `reaction_added`, `reaction_removed`. */
export function reactionChangedText({ conversationId, rev, message, reaction }: ReactionChanged): string {
  return (
    `{"conversation_id":"${conversationId}","rev":${rev},"message_id":"${message.id}","seq":${message.seq},` +
    `"user_id":"${reaction.userId}","reaction":${JSON.stringify(reaction.reaction)}}`
  );
}

/** Members that one command changed alike. */
export type MembersChanged = readonly [MemberChanged, ...MemberChanged[]];

/** `conversation_members_updated`. Where there are several, `user_ids` names all of them; the record is the first one's, and the others' are alike. */
export function membersEventText(events: MembersChanged): string {
  const [event] = events;
  const { conversationId, rev, actorId, member } = event;
  const ids = events.map(({ member: { userId } }) => `"${userId}"`);
  return (
    `{"conversation_id":"${conversationId}","rev":${rev},"event":"${memberEvent(event)}",` +
    `"user_id":"${member.userId}",${ids.length > 1 ? `"user_ids":[${ids.join()}],` : ""}` +
    `"actor_id":"${actorId}","role":"${member.role}","member":${memberRecordText(member)}}`
  );
}

/** `conversation_request_accepted`, `conversation_request_declined`. */
export function requestText([{ conversationId, rev, member }]: MembersChanged): string {
  return `{"conversation_id":"${conversationId}","rev":${rev},"user_id":"${member.userId}"}`;
}

/** `conversation_request`, to a user who is asked: by whom. */
export function requestedText(conversationId: string, actorId: string): string {
  return `{"conversation_id":"${conversationId}","actor_id":"${actorId}"}`;
}

/** `conversation_updated`: the whole of what the conversation is, and who changed which names, where that is known. */
export function conversationUpdatedText(event: ConversationChanged): string {
  const { conversationId, rev, conversation, change } = event;
  const who = change ? `"actor_id":"${change.actorId}","changed":${JSON.stringify(change.names)},` : "";
  return `{"conversation_id":"${conversationId}","rev":${rev},${who}"conversation":${bareConversationText(conversation)}}`;
}

/** Something changed that this member does not see: only the number, so that there is no hole. */
export function conversationChangedText({ conversationId, rev }: ChangeFrame): string {
  return `{"conversation_id":"${conversationId}","rev":${rev}}`;
}

export function createdText(conversationId: string): string {
  return `{"conversation_id":"${conversationId}","rev":0}`;
}

/** `delivery_status`, to a message's sender: how far it has come, and by whom, unless the sender must not see who that is. */
export function deliveryStatusText(
  frame: MarksFrame,
  { message, status }: StatusChange,
  hidden: ReadonlySet<string>,
): string {
  const isMover = (move: MarkMoved) => move.userId !== message.senderId && movedOver(move, message.seq);
  const mover = frame.moved.find((move) => isMover(move) && !hidden.has(move.userId));
  return (
    `{"message_id":"${message.id}","conversation_id":"${frame.conversationId}","seq":${message.seq},` +
    `"user_id":${mover ? `"${mover.userId}"` : "null"},"status":"${status}","timestamp":"${instantText(frame.atUs)}"}`
  );
}

/** `message_read`: a member has read everything up to this message. Its id is null where some who hear it came after the message. */
export function messageReadText(
  frame: MarksFrame,
  { userId }: MarkMoved,
  message: { readonly id: string | null; readonly seq: number },
): string {
  const messageId = message.id === null ? "null" : `"${message.id}"`;
  return (
    `{"user_id":"${userId}","message_id":${messageId},"conversation_id":"${frame.conversationId}",` +
    `"seq":${message.seq},"timestamp":"${instantText(frame.atUs)}"}`
  );
}

/** `message_unread`, to a user's own devices; `conversation_read` without a message: not unread any more. */
export function ownUnreadText({ conversationId, ownRev }: OwnFrame, { from }: UnreadChanged): string {
  const messageId = from ? `"${from.messageId}"` : "null";
  return `{"message_id":${messageId},"conversation_id":"${conversationId}","own_rev":${ownRev}}`;
}

/** `user_typing`. */
export function typingText({ conversationId, userId, isTyping }: TypingFrame): string {
  return `{"conversation_id":"${conversationId}","user_id":"${userId}","typing":${isTyping}}`;
}

/** Who removes himself leaves. */
function memberEvent({ type, actorId, member }: MemberChanged): string {
  switch (type) {
    case "member_added":
    case "member_unblocked":
      return "member_added";
    case "member_blocked":
      return "member_removed";
    case "member_removed":
    case "request_declined":
      return actorId === member.userId ? "member_left" : "member_removed";
    case "member_role_changed":
    case "member_took_part":
    case "request_accepted":
      return "member_role_updated";
  }
}

function movedOver({ deliveredFrom, deliveredTo, readFrom, readTo }: MarkMoved, seq: number): boolean {
  return (deliveredFrom < seq && seq <= deliveredTo) || (readFrom < seq && seq <= readTo);
}
