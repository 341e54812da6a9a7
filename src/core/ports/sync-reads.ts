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

/** What a device says that it knows of a conversation. */
export interface Cursor {
  readonly seq: number;
  readonly rev: number;
  /** Of the store, when it was given out; null: not said. */
  readonly generation: number | null;
}

export interface JoinRequest {
  readonly viewerId: string;
  readonly conversationId: string;
  /** Null: nothing is to be resumed, so that no marks need to be read. */
  readonly since: Cursor | null;
}

export interface JoinFacts {
  readonly conversationId: string;
  readonly viewerId: string;
  readonly membership: Membership;
  readonly conversation: ConversationSettings | null;
  readonly head: Head | null;
  /** Of every present member where there is a cursor; else none. */
  readonly marks: readonly MemberMarks[];
  /** The cursor cannot be resumed from, as in `Changes`. */
  readonly isExpired: boolean;
  readonly generation: number;
  /** Users between whom and the viewer there is a block. */
  readonly apartIds: readonly string[];
}

/** Where a device is in one conversation: it has confirmed everything up to `rev`, which is the message `seq`. */
export interface Position {
  readonly conversationId: string;
  readonly seq: number;
  readonly rev: number;
}

/** A conversation of a user who joins his topic: its head, and what the device has confirmed of it. */
export interface DevicePosition extends Position {
  readonly headSeq: number;
  readonly headRev: number;
}

export interface UserFacts {
  /** Of the store at present. */
  readonly generation: number;
  /** Null: this device was never seen. Another one than `generation`: it was, in a history that is gone. */
  readonly deviceGeneration: number | null;
  /** Every conversation of which the user is a member. For a device never seen, at the heads. */
  readonly standings: readonly DevicePosition[];
  /** Those among them that the user has not chosen to be in yet, and why. */
  readonly pending: ReadonlyMap<string, Pending>;
  /** Users between whom and this one there is a block. */
  readonly apartIds: readonly string[];
}

export interface ChangesRequest {
  readonly conversationId: string;
  /** Null: the node itself asks, which sees everything. */
  readonly viewerId: string | null;
  readonly sinceRev: number;
  /** Of the store, when the cursor was given out; null: unknown, so that it is good up to the head at which the present one began. */
  readonly generation: number | null;
  /** The seq of the last message that was created at or before `sinceRev`; null: to be found. */
  readonly sinceSeq: number | null;
  /** The most messages of the answer; one more when a revision would be cut. */
  readonly limit: number;
  /** The answer ends with the revision whose messages exceed these stored bytes. Default, and most: 1 MiB. */
  readonly maxBytes?: number;
}

/**
 * What changed in a conversation since a revision, from one snapshot with its head in it. A page never cuts inside a revision. What
 * changed again after the page's end is given as it is now, and comes again in the page of that change.
 */
export interface Changes {
  readonly conversationId: string;
  readonly membership: Membership;
  readonly head: Head | null;
  /**
   * The cursor cannot be resumed from: it is from before the horizon, from beyond the head, from before the viewer's present membership
   * (0, from before everything, always can), or from a history that is gone.
   */
  readonly isExpired: boolean;
  /** Of the store, at present. */
  readonly generation: number;
  /** In order of seq. */
  readonly messages: readonly SeenMessage[];
  /** To the node itself, also those that changed after the page's end: it has to know who may hear of what is in it. */
  readonly members: readonly MemberRecord[];
  /**
   * If it changed itself: as it is now, and by which revision and when. To the node itself always: what became of its members means something
   * else in a direct conversation.
   */
  readonly conversation:
    | (ConversationSettings & { readonly rev: number; readonly updatedAtUs: number })
    | null;
  /** Of every present member, whole. */
  readonly marks: readonly MemberMarks[];
  /** Where the next page starts: everything up to here is in this one. The head when there is no more. */
  readonly next: Position;
  readonly hasMore: boolean;
}

/** Reads for devices that catch up; each joins the viewer's membership in the same statement. They throw `StoreUnavailable`. */
export interface SyncReads {
  /** All questions of both kinds in one query. A null device has no cursors and stands at the heads. */
  joinFacts(
    conversations: readonly JoinRequest[],
    users: readonly Omit<JoinUser, "type">[],
  ): Promise<{ readonly conversations: readonly JoinFacts[]; readonly users: readonly UserFacts[] }>;
  /** All questions in one query, each answered within its own limit. */
  changes(questions: readonly ChangesRequest[]): Promise<readonly Changes[]>;
}
