import type { Member } from "../conversations/conversation.ts";
import type { SyncReads } from "./sync-reads.ts";

export interface PresentMembers {
  /** The revision of their last change. */
  readonly membersRev: number;
  readonly members: ReadonlyMap<string, Member>;
}

/** Reads what a node missed, and what it needs to forward that. All throw `StoreUnavailable`. */
export interface DeliveryReads extends Pick<SyncReads, "changes"> {
  /** Returns the revisions of the heads, in one query. Conversations that do not exist are absent. */
  heads(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Returns the present members. Null: there is no such conversation. */
  members(conversationId: string): Promise<PresentMembers | null>;
}
