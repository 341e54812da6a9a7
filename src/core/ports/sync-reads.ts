import type {
  ConversationSettings,
  Head,
  MemberMarks,
  MemberRecord,
  Membership,
  Pending,
} from "../conversations/conversation.ts";
import type { SeenMessage } from "../messages/seen-message.ts";
import type { JoinUser } from "../queries.ts";

/** The position that a device reports for a conversation. */
export interface Cursor {
  readonly seq: number;
  readonly rev: number;
  /** The store's generation when the cursor was given out; null: the device did not report one. */
  readonly generation: number | null;
}

export interface JoinRequest {
  readonly viewerId: string;
  readonly conversationId: string;
  /** Null: the join resumes nothing, so no marks are read. */
  readonly since: Cursor | null;
}

export interface JoinFacts {
  readonly conversationId: string;
  readonly viewerId: string;
  readonly membership: Membership;
  readonly conversation: ConversationSettings | null;
  readonly head: Head | null;
  /** The marks of every present member when the request has a cursor; else empty. */
  readonly marks: readonly MemberMarks[];
  /** The cursor cannot be resumed from; see `Changes`. */
  readonly isExpired: boolean;
  readonly generation: number;
  /** The users who have blocked the viewer or are blocked by them. */
  readonly apartIds: readonly string[];
}

/** How far a device is in one conversation: it has confirmed everything up to `rev`; `seq` is the last message there. */
export interface Position {
  readonly conversationId: string;
  readonly seq: number;
  readonly rev: number;
}

/** A device's position in a conversation, beside the conversation's head. */
export interface DevicePosition extends Position {
  readonly headSeq: number;
  readonly headRev: number;
}

export interface UserFacts {
  /** The store's present generation. */
  readonly generation: number;
  /** Null: the store has never seen this device. Other than `generation`: it did, in a history that a restore replaced. */
  readonly deviceGeneration: number | null;
  /** One for every conversation of which the user is a member. A new device is at the heads. */
  readonly standings: readonly DevicePosition[];
  /** The conversations that the user has not accepted yet, and why. */
  readonly pending: ReadonlyMap<string, Pending>;
  /** The users who have blocked this one or are blocked by them. */
  readonly apartIds: readonly string[];
}

export interface ChangesRequest {
  readonly conversationId: string;
  /** Null: the node itself, which sees everything. */
  readonly viewerId: string | null;
  readonly sinceRev: number;
  /**
   * The store's generation when the cursor was given out. Null: unknown, so the cursor is good up to the head at which the present
   * generation began.
   */
  readonly generation: number | null;
  /** The seq of the last message that was created at or before `sinceRev`; null: the store finds it. */
  readonly sinceSeq: number | null;
  /** The most messages of a page; one more when the page would cut a revision. */
  readonly limit: number;
  /** The page ends with the revision whose messages exceed these stored bytes. Default and maximum: 1 MiB. */
  readonly maxBytes?: number;
}

/**
 * What changed in a conversation since a revision, and its head, from one snapshot. A page never cuts inside a revision. A message that
 * changed again after the page's end has its newest content, and comes again in the page of that change.
 */
export interface Changes {
  readonly conversationId: string;
  readonly membership: Membership;
  readonly head: Head | null;
  /**
   * The cursor cannot be resumed from: it is from before the horizon, beyond the head, before the viewer's present membership, or from a
   * history that a restore replaced. Revision 0, before everything, can always be resumed from.
   */
  readonly isExpired: boolean;
  /** The store's present generation. */
  readonly generation: number;
  /** Ordered by seq. */
  readonly messages: readonly SeenMessage[];
  /** The node itself also gets members who changed after the page's end: it must know who may receive the page. */
  readonly members: readonly MemberRecord[];
  /**
   * The conversation with the revision and time of its last change, if that is on this page; else null. The node itself always gets it,
   * because the same change of a member means something else in a direct conversation.
   */
  readonly conversation:
    | (ConversationSettings & { readonly rev: number; readonly updatedAtUs: number })
    | null;
  /** The marks of every present member, complete. */
  readonly marks: readonly MemberMarks[];
  /** Where the next page starts; everything up to here is in this one. On the last page it is the head. */
  readonly next: Position;
  readonly hasMore: boolean;
}

/**
 * Reads for devices that catch up. Each joins the viewer's membership in the same statement. Each is one query for all requests, with results
 * in their order. All throw `StoreUnavailable`.
 */
export interface SyncReads {
  /** Returns what joins need. A null device has no cursors and is at the heads. */
  joinFacts(
    conversations: readonly JoinRequest[],
    users: readonly Omit<JoinUser, "type">[],
  ): Promise<{ readonly conversations: readonly JoinFacts[]; readonly users: readonly UserFacts[] }>;
  /** Returns a page for each request, within the limit of that request. */
  changes(requests: readonly ChangesRequest[]): Promise<readonly Changes[]>;
}
