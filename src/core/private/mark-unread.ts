/** Marks a conversation as unread from this message on, until the user reads something in it again. */
export interface MarkAsUnread {
  readonly type: "mark_unread";
  readonly userId: string;
  readonly conversationId: string;
  readonly messageId: string;
}
