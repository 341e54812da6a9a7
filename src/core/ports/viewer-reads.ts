import type { Conversation, Member, Membership, Pending } from "../conversations/conversation.ts";
import type { Message } from "../messages/message.ts";
import type { SeenMessage } from "../messages/seen-message.ts";
import type { ListConversations, ListMembers, MessagePart, ReadHistory } from "../queries.ts";

/** A conversation in a list, with the newest message that the viewer may see. */
export interface ConversationSummary {
  /** In a list it has no members, and a large group has only the ids of its `listedMembers` longest-standing members. */
  readonly conversation: Conversation;
  readonly memberCount: number;
  readonly lastMessage: SeenMessage | null;
  /** Why the viewer has not accepted the conversation yet; null: they have. */
  readonly pending: Pending | null;
  /**
   * The messages of others, deleted ones aside, after the viewer's read mark, or from the message that they marked as unread. Counted up to
   * 1,000.
   */
  readonly unreadCount: number;
  /** The messages that the viewer may see, tombstones included: all since their membership began. */
  readonly messageCount: number;
}

export interface HistoryPage {
  readonly membership: Membership;
  /** Newest first. */
  readonly messages: readonly SeenMessage[];
  readonly hasMore: boolean;
  /** The messages of all pages: the `messageCount` of the summary. */
  readonly total: number;
}

/** A member as a viewer sees them. */
export interface SeenMember extends Member {
  /** When they were last online; null: never, or before the server began to store it. */
  readonly lastSeenAtUs: number | null;
  /** One of the two has blocked the other. */
  readonly isApart: boolean;
}

/** When a member received and read a message, to within a second; null: not yet. */
export interface Recipient {
  readonly userId: string;
  readonly deliveredAtUs: number | null;
  readonly readAtUs: number | null;
}

/**
 * Reads for viewers. Each joins the viewer's membership in the same statement: a null membership comes with nothing else. Each is one query.
 * All throw `StoreUnavailable`.
 */
export interface ViewerReads {
  /**
   * Returns a page of the viewer's conversations, newest activity first. As many last messages as fit into a page are whole, the smallest
   * first, so that a large message costs no other conversation its place.
   */
  listConversations(query: ListConversations): Promise<{
    readonly summaries: readonly ConversationSummary[];
    readonly hasMore: boolean;
  }>;
  showConversation(
    viewerId: string,
    conversationId: string,
  ): Promise<{ readonly membership: Membership; readonly summary: ConversationSummary | null }>;
  /** Returns the present members. */
  listMembers(
    query: ListMembers,
  ): Promise<{ readonly membership: Membership; readonly members: readonly SeenMember[] }>;
  /** Returns a part of one message; `reactions` are all of them. Null: there is no such message, or the viewer may not see it. */
  showMessage(
    viewerId: string,
    messageId: string,
    part: MessagePart,
  ): Promise<{ readonly membership: Membership; readonly message: Message } | null>;
  /**
   * Returns the recipients: present members who were members before the message, without its sender, longest-standing first. Null: there is
   * no such message, or the viewer may not see it.
   */
  showDeliveryStatus(
    viewerId: string,
    messageId: string,
  ): Promise<{ readonly membership: Membership; readonly recipients: readonly Recipient[] } | null>;
  /** Returns a page of the log. The page of an unknown cursor id is empty. */
  readHistory(query: ReadHistory): Promise<HistoryPage>;
}
