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

/** A page of the log, newest first. With `after`, the page that follows the cursor, still newest first. */
export interface ReadHistory {
  readonly type: "read_history";
  readonly viewerId: string;
  readonly conversationId: string;
  readonly before: HistoryCursor | null;
  readonly after: HistoryCursor | null;
  readonly limit: number;
}

export interface JoinConversation {
  readonly type: "join_conversation";
  readonly viewerId: string;
  readonly conversationId: string;
}

export type Query = ListConversations | ShowConversation | ReadHistory | JoinConversation;
