import type { Conversation, Member, Membership, Pending } from "../conversations/conversation.ts";
import type { Message } from "../messages/message.ts";
import type { SeenMessage } from "../messages/seen-message.ts";
import type { ListConversations, ListMembers, MessagePart, ReadHistory } from "../queries.ts";
import type { SyncReads } from "./sync-reads.ts";

/** A conversation in a list: with the newest message that the viewer may see. */
export interface ConversationSummary {
  /** In a list without its members, and of a large group with the ids of the `listedMembers` longest-standing ones. */
  readonly conversation: Conversation;
  readonly memberCount: number;
  readonly lastMessage: SeenMessage | null;
  /** Why the viewer has not chosen yet to be in it; null: they have. */
  readonly pending: Pending | null;
  /** Others' messages that are not deleted, after what the viewer has read or from where he marked it as unread; counted to 1,000. */
  readonly unreadCount: number;
  /** The messages that the viewer may see: all after the one at which the viewer's membership began, tombstones included. */
  readonly messageCount: number;
}

export interface HistoryPage {
  readonly membership: Membership;
  /** Newest first. */
  readonly messages: readonly SeenMessage[];
  readonly hasMore: boolean;
  /** The messages of all pages, as `messageCount` of the summary. */
  readonly total: number;
}

/** A member as a viewer sees them. */
export interface SeenMember extends Member {
  /** When they were online last; null: never, or not since that is stored. */
  readonly lastSeenAtUs: number | null;
  /** There is a block between the two. */
  readonly isApart: boolean;
}

/** When somebody has received and read a message, within a second; null: not yet. */
export interface Recipient {
  readonly userId: string;
  readonly deliveredAtUs: number | null;
  readonly readAtUs: number | null;
}

/** Reads for viewers; each joins the viewer's membership in the same statement. They throw `StoreUnavailable`. */
export interface ViewerReads extends SyncReads {
  /**
   * One query, whatever the number of conversations; newest activity first. Of the last messages, as many as fit into a page are whole, the
   * smallest first, so that a large one costs no other conversation its place.
   */
  listConversations(query: ListConversations): Promise<{
    readonly summaries: readonly ConversationSummary[];
    readonly hasMore: boolean;
  }>;
  showConversation(
    viewerId: string,
    conversationId: string,
  ): Promise<{ readonly membership: Membership; readonly summary: ConversationSummary | null }>;
  /** Null membership: no members are returned. */
  listMembers(
    query: ListMembers,
  ): Promise<{ readonly membership: Membership; readonly members: readonly SeenMember[] }>;
  /** All of the reactions, where they are asked for. Null: there is none, or none that the viewer sees. */
  showMessage(
    viewerId: string,
    messageId: string,
    part: MessagePart,
  ): Promise<{ readonly membership: Membership; readonly message: Message } | null>;
  /**
   * The present members who were members before the message, without its sender; the longest-standing first. Null: there is no such
   * message, or none that the viewer sees.
   */
  showDeliveryStatus(
    viewerId: string,
    messageId: string,
  ): Promise<{ readonly membership: Membership; readonly recipients: readonly Recipient[] } | null>;
  /** Null membership: no messages are returned. An unknown cursor id is an empty page. */
  readHistory(query: ReadHistory): Promise<HistoryPage>;
}
