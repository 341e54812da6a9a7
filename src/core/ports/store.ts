import type { Conversation, ConversationState, Head, Membership } from "../conversations/conversation.ts";
import type { CreateDirect } from "../conversations/create.ts";
import type { Event } from "../events.ts";
import type { Message } from "../messages/message.ts";
import type { KeyUse } from "../messages/recent-keys.ts";
import type { HistoryCursor, ListConversations, ReadHistory } from "../queries.ts";

/** The events of one command, decided against revision `rev - 1` of their conversation. */
export interface Change {
  readonly conversationId: string;
  readonly rev: number;
  readonly events: readonly Event[];
}

/**
 * What became of a batch.
 *
 * - `stored`: durable, but for the conversations in `moved`, of which nothing was written: their heads are not where the
 *   batch believed them to be.
 * - `fenced`: nothing was written; `shards` are not held at the epochs given.
 * - `refused`: nothing was written, because of what the batch holds. `duplicate_key`: a `client_random` is taken.
 * - `again`: nothing was written, and the same batch may be sent again as it is.
 * - `unknown`: the connection was lost or too slow; the batch may be stored, now or later.
 */
export type AppendOutcome =
  | { readonly type: "stored"; readonly moved: ReadonlySet<string> }
  | { readonly type: "fenced"; readonly shards: readonly number[] }
  | { readonly type: "refused"; readonly cause: "duplicate_key" | "data"; readonly error: unknown }
  | { readonly type: "again"; readonly error: unknown }
  | { readonly type: "unknown"; readonly error: unknown };

/** Writes the log. One statement, one round trip, all or nothing per conversation. Never throws. */
export interface CommitPort {
  /** Changes of one conversation are contiguous in `rev` and in order. At most `maxRows` events. */
  append(changes: readonly Change[], epochOf: (shard: number) => number): Promise<AppendOutcome>;
}

export interface KeyQuestion {
  readonly conversationId: string;
  readonly senderId: string;
  readonly clientRandom: number;
}

export interface MessagePlace {
  readonly conversationId: string;
  readonly seq: number;
}

/** What reads throw when the store cannot be reached, or not in time. Anything else that they throw is a bug. */
export class StoreUnavailable extends Error {
  constructor(options: { readonly cause: unknown }) {
    super("the store cannot be reached", options);
  }
}

/** Reads for the engine itself; they throw `StoreUnavailable`. */
export interface ActorReads {
  /** In one query; conversations that do not exist are absent from the answer. */
  loadConversations(ids: readonly string[]): Promise<readonly ConversationState[]>;
  /** Which of the keys are held by a stored message; absent: free. In one query. */
  findKeys(questions: readonly KeyQuestion[]): Promise<readonly (KeyQuestion & KeyUse)[]>;
  /** Which of these messages are stored, by id. In one query. */
  findStored(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** In the order asked, null for what does not exist. In one query. */
  readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]>;
}

/** A conversation in a list: with its newest message. */
export interface ConversationSummary {
  readonly conversation: Conversation;
  readonly lastMessage: Message | null;
}

export interface HistoryPage {
  readonly membership: Membership;
  /** Newest first. */
  readonly messages: readonly Message[];
  readonly hasMore: boolean;
}

export interface JoinFacts {
  readonly conversationId: string;
  readonly viewerId: string;
  readonly membership: Membership;
  readonly conversation: Pick<Conversation, "id" | "type" | "metadata" | "isActive"> | null;
  readonly head: Head | null;
}

/** Reads for viewers; each joins the viewer's membership in the same statement. They throw `StoreUnavailable`. */
export interface ViewerReads {
  /** One query, whatever the number of conversations; newest activity first. */
  listConversations(query: ListConversations): Promise<{
    readonly summaries: readonly ConversationSummary[];
    readonly hasMore: boolean;
  }>;
  showConversation(
    viewerId: string,
    conversationId: string,
  ): Promise<{ readonly membership: Membership; readonly summary: ConversationSummary | null }>;
  /** Null membership: no messages are returned. An unknown cursor id is an empty page. */
  readHistory(query: ReadHistory): Promise<HistoryPage>;
  /** All questions in one query. */
  joinFacts(
    questions: readonly { readonly viewerId: string; readonly conversationId: string }[],
  ): Promise<readonly JoinFacts[]>;
}

export interface ConversationCreation {
  /** One conversation per pair, also when both create it at once. `created` is false when it existed. Throws `StoreUnavailable`. */
  createDirect(
    command: CreateDirect,
  ): Promise<{ readonly conversationId: string; readonly created: boolean }>;
}

export type { HistoryCursor };
