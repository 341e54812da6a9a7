/** Where a page of history starts. `time` is microseconds since the Unix epoch; `id` is a message's id. */
export type HistoryCursor =
  | { readonly by: "seq"; readonly seq: number }
  | { readonly by: "id"; readonly id: string }
  | { readonly by: "time"; readonly timeUs: number };

export interface ListConversations {
  readonly type: "list_conversations";
  readonly viewerId: string;
  readonly limit: number;
  readonly offset: number;
}

export interface ShowConversation {
  readonly type: "show_conversation";
  readonly viewerId: string;
  readonly conversationId: string;
}

export interface ListMembers {
  readonly type: "list_members";
  readonly viewerId: string;
  readonly conversationId: string;
}

/** A page of the log, newest first. With `after`, the page that follows the cursor, still newest first. */
export interface ReadHistory {
  readonly type: "read_history";
  readonly viewerId: string;
  readonly conversationId: string;
  readonly before: HistoryCursor | null;
  readonly after: HistoryCursor | null;
  readonly limit: number;
}

/** One message, by its id alone. */
export interface ShowMessage {
  readonly type: "show_message";
  readonly viewerId: string;
  readonly messageId: string;
  readonly part: MessagePart;
}

/**
 * The part of one message that is read: all of it, only its ids, numbers and times (`place`), or these with one more part; the rest is empty. A
 * message may hold 120 kB and a thousand reactions, and some requests need only its conversation.
 */
export type MessagePart = "all" | "place" | "reactions" | "attachments";

/** The recipients of one message, with the times at which they received and read it, by its id alone. */
export interface ShowDeliveryStatus {
  readonly type: "show_delivery_status";
  readonly viewerId: string;
  readonly messageId: string;
}

export interface JoinConversation {
  readonly type: "join_conversation";
  readonly viewerId: string;
  readonly conversationId: string;
}

/** A device's topic of all its user's conversations. */
export interface JoinUser {
  readonly type: "join_user";
  readonly viewerId: string;
  /** Null: the token names none; the socket works without a backlog. */
  readonly deviceId: string | null;
}

/** The changes of a conversation since a revision that the viewer knows. */
export interface ReadChanges {
  readonly type: "read_changes";
  readonly viewerId: string;
  readonly conversationId: string;
  readonly sinceRev: number;
  /** The generation of the store when the cursor was given out. Null: the client did not report it. */
  readonly generation: number | null;
  readonly limit: number;
}

export type Query =
  | ListConversations
  | ShowConversation
  | ListMembers
  | ReadHistory
  | ShowMessage
  | ShowDeliveryStatus
  | JoinConversation
  | JoinUser
  | ReadChanges;
