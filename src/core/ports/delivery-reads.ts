import type { Member } from "../conversations/conversation.ts";
import type { ViewerReads } from "./viewer-reads.ts";

export interface PresentMembers {
  /** Of their last change. */
  readonly membersRev: number;
  readonly members: ReadonlyMap<string, Member>;
}

/** Reads what a node missed and what it needs to forward it. Each throws `StoreUnavailable`. */
export interface DeliveryReads extends Pick<ViewerReads, "changes"> {
  /** Reads the revisions of the heads in one query. Absent: there is no such conversation. */
  heads(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Reads who is a member now. Null: there is no such conversation. */
  members(conversationId: string): Promise<PresentMembers | null>;
}
