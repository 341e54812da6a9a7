import type { AllowReadding } from "../conversations/allow-readding.ts";
import type { Contact } from "../conversations/contact.ts";
import type {
  Conversation,
  ConversationSettings,
  ConversationState,
  Head,
  Member,
  MemberMarks,
  MemberRecord,
  Membership,
  Pending,
} from "../conversations/conversation.ts";
import type { CreateDirect, CreateGroup } from "../conversations/create.ts";
import type { Event } from "../events.ts";
import type { MarkAsUnread, MarkedConversation, MarkMove, MessageStatus } from "../messages/marks.ts";
import type { Message } from "../messages/message.ts";
import type { KeyUse } from "../messages/recent-keys.ts";
import type { SendKey } from "../messages/send-key.ts";
import type {
  HistoryCursor,
  JoinUser,
  ListConversations,
  ListMembers,
  MessagePart,
  ReadHistory,
} from "../queries.ts";

/** The events of one command, decided against revision `rev - 1` of their conversation. */
export interface Change {
  readonly conversationId: string;
  readonly rev: number;
  readonly events: readonly Event[];
  /** The members at this revision, and the revision of their last change. */
  readonly members: ReadonlyMap<string, Member>;
  readonly membersRev: number;
}

/** What one statement stores. */
export interface Batch {
  /** Changes of one conversation are contiguous in `rev` and in order. */
  readonly changes: readonly Change[];
  /** Each member of a conversation once, and none of whom an event of the batch tells. */
  readonly marks: readonly MarkMove[];
  /** The time of the marks. Microseconds. */
  readonly atUs: number;
}

/**
 * What became of a batch.
 *
 * - `stored`: durable, marks included, but for the conversations in `moved`, of which nothing was written: their heads are not where the
 *   batch believed them to be.
 * - `fenced`: nothing was written; `shards` are not held at the epochs given.
 * - `refused`: nothing was written, because of what the batch holds. `duplicate_key`: a `client_random` is taken.
 * - `again`: nothing was written, and the same batch may be sent again as it is.
 * - `unknown`: the connection was lost or too slow; the batch may be stored, now or later.
 */
export type AppendOutcome =
  | {
      readonly type: "stored";
      readonly moved: ReadonlySet<string>;
      /** One for each conversation of which a mark was given. */
      readonly marked: readonly MarkedConversation[];
    }
  | { readonly type: "fenced"; readonly shards: readonly number[] }
  | { readonly type: "refused"; readonly cause: "duplicate_key" | "data"; readonly error: unknown }
  | { readonly type: "again"; readonly error: unknown }
  | { readonly type: "unknown"; readonly error: unknown };

/** Writes the log. One statement, one round trip, all or nothing per conversation. Never throws. */
export interface CommitPort {
  append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome>;
}

export interface KeyQuestion extends SendKey {
  readonly conversationId: string;
  readonly senderId: string;
}

/** A message by its id, where it is said to be. */
export interface TargetQuestion {
  readonly conversationId: string;
  readonly messageId: string;
}

/** Asks for the contacts between a user and those whom they add to a conversation. */
export interface ContactsQuestion {
  readonly conversationId: string;
  readonly adderId: string;
  readonly userIds: readonly string[];
  /** Whether `isKnown` is needed: it is costly to find. */
  readonly asksFirst: boolean;
}

/** A `TargetQuestion` of a user, who may not see the message. */
export interface SeenTargetQuestion extends TargetQuestion {
  readonly userId: string;
}

export interface MembershipQuestion {
  readonly conversationId: string;
  readonly userId: string;
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

/** The store answers, but this statement took too long: perhaps because of what was asked. Something smaller may succeed. */
export class StoreTimedOut extends StoreUnavailable {}

/** Reads for the engine itself; they throw `StoreUnavailable`. */
export interface ActorReads {
  /** In one query; conversations that do not exist are absent from the answer. */
  loadConversations(ids: readonly string[]): Promise<readonly ConversationState[]>;
  /**
   * Which of the keys are held by a stored message, as they are stored: under the device asked for, or `untagged`, or both; absent: free. In
   * one query.
   */
  findKeys(questions: readonly KeyQuestion[]): Promise<readonly (KeyQuestion & KeyUse)[]>;
  /** Those that are stored in the conversation named with them, with all their reactions. In one query. */
  findTargets(questions: readonly TargetQuestion[]): Promise<readonly Message[]>;
  /**
   * Where they are, in the order asked; null: not stored in that conversation, or not the user's to see. In one query, whatever the messages
   * hold.
   */
  findSeqs(questions: readonly SeenTargetQuestion[]): Promise<readonly (number | null)[]>;
  /** The revisions that created these messages, in the order asked; null: no such message. In one query, whatever the messages hold. */
  findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]>;
  /** Whether each is a present member, in the order asked. In one query. */
  areMembers(questions: readonly MembershipQuestion[]): Promise<readonly boolean[]>;
  /** In the order asked, each in the order of its users. `isKnown` is false where it was not asked. In one query. */
  findContacts(questions: readonly ContactsQuestion[]): Promise<readonly (readonly Contact[])[]>;
  /** JSON texts of objects, in the order asked; null: no such conversation. In one query. */
  readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]>;
  /** Which of these changes are stored, by conversation and rev, as they were decided. In one query. */
  findStored(changes: readonly Change[]): Promise<readonly boolean[]>;
  /** In the order asked, null for what does not exist. In one query. */
  readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]>;
}

/** A message as one viewer sees it: to its sender, how far it has come; to others `sent`. */
export interface SeenMessage {
  readonly message: Message;
  readonly status: MessageStatus;
  /** What clients wrote was left out, because it is too large for a list. Absent: it is whole. */
  readonly isPartial?: true;
}

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

/** What a device says that it knows of a conversation. */
export interface Cursor {
  readonly seq: number;
  readonly rev: number;
  /** Of the store, when it was given out; null: not said. */
  readonly generation: number | null;
}

export interface JoinQuestion {
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
export interface Standing extends Position {
  readonly headSeq: number;
  readonly headRev: number;
}

export interface UserFacts {
  /** Of the store at present. */
  readonly generation: number;
  /** Null: this device was never seen. Another one than `generation`: it was, in a history that is gone. */
  readonly deviceGeneration: number | null;
  /** Every conversation of which the user is a member. For a device never seen, at the heads. */
  readonly standings: readonly Standing[];
  /** Those among them that the user has not chosen to be in yet, and why. */
  readonly pending: ReadonlyMap<string, Pending>;
  /** Users between whom and this one there is a block. */
  readonly apartIds: readonly string[];
}

export interface ChangesQuestion {
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
export interface ViewerReads {
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
  /** All questions of both kinds in one query. A null device has no cursors and stands at the heads. */
  joinFacts(
    conversations: readonly JoinQuestion[],
    users: readonly Omit<JoinUser, "type">[],
  ): Promise<{ readonly conversations: readonly JoinFacts[]; readonly users: readonly UserFacts[] }>;
  /** All questions in one query, each answered within its own limit. */
  changes(questions: readonly ChangesQuestion[]): Promise<readonly Changes[]>;
}

/** What each device has confirmed. Throws `StoreUnavailable`. */
export interface DeviceCursors {
  /** A device that was never seen, or only in a history that is gone, starts at the heads. Answers where it stands. One statement. */
  register(
    device: { readonly userId: string; readonly deviceId: string },
    atUs: number,
  ): Promise<readonly Standing[]>;
  /** Many devices in one statement. Cursors only move forward. */
  save(moves: readonly (Position & { readonly userId: string; readonly deviceId: string })[]): Promise<void>;
}

/** When users were online last, in microseconds by user. Throws `StoreUnavailable`. */
export interface LastSeen {
  /** Many users in one statement. Times only move forward. */
  save(users: ReadonlyMap<string, number>): Promise<void>;
}

/** Private state of users. Throws `StoreUnavailable`. */
export interface OwnState {
  /** Null: the user does not see such a message. */
  markUnread(command: MarkAsUnread): Promise<{ readonly ownRev: number; readonly seq: number } | null>;
  /** Others may add the user again. False: the user did not leave by themselves, or the time in which nobody may is over. */
  allowReadding(command: AllowReadding, nowUs: number): Promise<boolean>;
  /** No longer marked as unread. Null: it was not. */
  clearUnread(userId: string, conversationId: string): Promise<{ readonly ownRev: number } | null>;
}

/** `by_creator` also when both have blocked: what the other one did is not the creator's to know. */
export type CreatedDirect =
  | (CreatedOnce & { readonly conversationId: string })
  | { readonly type: "blocked"; readonly by: "creator" | "other" };

/** Names the users. `creator`: the users whom the creator has blocked, also when others have blocked the creator. */
export type CreatedGroup =
  | CreatedOnce
  | { readonly type: "blocked"; readonly by: "creator" | "others"; readonly userIds: readonly string[] };

interface CreatedOnce {
  readonly type: "exists";
  readonly created: boolean;
  /** Members of a new one who are asked whether they accept. */
  readonly askedIds: readonly string[];
}

export interface ConversationCreation {
  /**
   * One conversation per pair, also when both create it at once. `created` is false when it existed. None where one of the two has blocked the
   * other: also when both happens at once, neither passes the other. Throws `StoreUnavailable`.
   */
  createDirect(command: CreateDirect): Promise<CreatedDirect>;
  /**
   * With its members and head, in one statement. `created` is false when there is one of this id already. None where the creator and one of
   * the others have blocked each other, as exactly as for direct conversations. Throws `StoreUnavailable`.
   */
  createGroup(command: CreateGroup): Promise<CreatedGroup>;
}

export type { HistoryCursor };
