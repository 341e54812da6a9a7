import type { MemberMarks } from "../conversations/conversation.ts";

/**
 * Marks: how far a member has received and read. They have no `rev`. They are absolute and only grow, so the latest wins. A member who has
 * read has received, and a member who sends has read.
 */
export type MarkKind = "delivered" | "read";

/** A member's mark is to move to `seq`, if it is not there yet. */
export interface MarkMember {
  readonly type: "mark";
  readonly conversationId: string;
  /** Whose mark: the token's subject. */
  readonly userId: string;
  readonly kind: MarkKind;
  readonly seq: number;
}

/** Where both marks of a member are to be; null: that one stays. */
export interface MarkMove {
  readonly conversationId: string;
  readonly userId: string;
  readonly deliveredSeq: number | null;
  readonly readSeq: number | null;
}

/** A member's marks before and after a move; equal when they were there already. */
export interface MarkMoved {
  readonly userId: string;
  readonly deliveredFrom: number;
  readonly deliveredTo: number;
  readonly readFrom: number;
  readonly readTo: number;
  /** The user had marked the conversation as unread at or before `readTo`. */
  readonly wasUnread: boolean;
}

export interface MarkedMessage {
  readonly id: string;
  readonly seq: number;
  readonly senderId: string;
}

/** A present member, with the marks before the move. */
export interface MemberBefore extends MemberMarks {
  readonly joinedSeq: number;
}

/** A conversation of which marks were flushed. */
export interface MarkedConversation {
  readonly conversationId: string;
  /** One for each user of the moves who is a member; the others are absent. */
  readonly moved: readonly MarkMoved[];
  /** Every present member, before the moves. Empty when no user of the moves is a member. */
  readonly members: readonly MemberBefore[];
  /** The newest messages that the marks moved over, at most 50. */
  readonly messages: readonly MarkedMessage[];
}

export type MessageStatus = "sent" | "delivered" | "read";

/**
 * Over the members who were present at its seq and still are, without its sender: read when all have read, delivered when
 * all have received, else sent.
 */
export function statusOf(
  message: { readonly seq: number; readonly senderId: string },
  members: readonly (MemberMarks & { readonly joinedSeq: number })[],
): MessageStatus {
  let status: MessageStatus | null = null;
  for (const member of members) {
    if (member.userId === message.senderId || member.joinedSeq >= message.seq) continue;
    if (member.deliveredSeq < message.seq && member.readSeq < message.seq) return "sent";
    if (member.readSeq < message.seq) status = "delivered";
    else status ??= "read";
  }
  return status ?? "sent";
}

export interface StatusChange {
  readonly message: MarkedMessage;
  readonly status: MessageStatus;
}

/** The messages whose status is another one now, newest first. */
export function statusChanges(marked: MarkedConversation): readonly StatusChange[] {
  const moved = new Map(marked.moved.map((move) => [move.userId, move]));
  const after = marked.members.map((member) => {
    const move = moved.get(member.userId);
    return move ? { ...member, deliveredSeq: move.deliveredTo, readSeq: move.readTo } : member;
  });
  return marked.messages.flatMap((message) => {
    const status = statusOf(message, after);
    return status === statusOf(message, marked.members) ? [] : [{ message, status }];
  });
}
