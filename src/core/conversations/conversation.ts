import type { Permissions } from "./permissions.ts";

export type ConversationType = "direct" | "group";
export const roles = ["owner", "admin", "moderator", "member"] as const;
export type Role = (typeof roles)[number];

/**
 * Why a member has not chosen yet to be in a conversation. `added`: others added them. `request`: they are asked whether they accept it.
 * They accept by writing, or by anything else that others see.
 */
export type Pending = "added" | "request";

export interface Member {
  readonly userId: string;
  readonly role: Role;
  /** Absent: they created the conversation, took part in it or accepted it. */
  readonly pending?: Pending | undefined;
  readonly joinedAtUs: number;
  /** The messages after this one are the member's to see. */
  readonly joinedSeq: number;
  /** The revision by which the membership began: cursors from before it cannot be resumed from. */
  readonly joinedRev: number;
}

/** A membership with its end, and the revision of its last change. */
export interface MemberRecord extends Member {
  readonly rev: number;
  /** The last message that was the member's to see; null: still a member. */
  readonly leftSeq: number | null;
  readonly leftAtUs: number | null;
  /** They left by themselves and cannot be added again before this time. Absent: members with the right to add can. */
  readonly staysOutUntilUs?: number | undefined;
}

/** How far a member has received and read. Marks only grow. */
export interface MemberMarks {
  readonly userId: string;
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

/**
 * A conversation as rules see it: small, complete, and true at each revision. Everything else that rules need is in `Facts`. Owned by
 * one actor and moved only by `apply`. `seq` numbers the messages, `rev` the changes that every member sees; both start at 0.
 */
export interface ConversationState {
  readonly id: string;
  readonly type: ConversationType;
  isActive: boolean;
  /** Those of this revision: a change of members makes another map, so that what was decided before keeps its own. */
  members: ReadonlyMap<string, Member>;
  /** Who may do what in a group, by its settings. */
  permissions: Permissions;
  membersRev: number;
  seq: number;
  rev: number;
  lastSentAtUs: number;
}

/** A state without members, and one member: an object, an id and a place in a map. */
const bytesOfState = 1_000;
const bytesPerMember = 250;

/** Returns about how many bytes of memory a state takes. */
export function bytesOf({ members }: ConversationState): number {
  return bytesOfState + bytesPerMember * members.size;
}

/** The numbers that move with each change: what a join answers and a list orders by. */
export interface Head {
  readonly seq: number;
  readonly rev: number;
  readonly membersRev: number;
  readonly lastMessageAtUs: number | null;
}

/** A conversation without its members, messages and numbers. */
export interface ConversationSettings {
  readonly id: string;
  readonly type: ConversationType;
  /** JSON text of an object, returned as it was given. */
  readonly metadata: string;
  readonly isActive: boolean;
}

/** The most ids of a group's members in a list of conversations. */
export const listedMembers = 100;

/** A conversation as its members see it. */
export interface Conversation extends ConversationSettings {
  readonly createdAtUs: number;
  readonly updatedAtUs: number;
  readonly members: readonly Member[];
  /** Of the members; of a direct conversation both, also while one of them is blocked: clients find the other one by it. */
  readonly memberUserIds: readonly string[];
  readonly head: Head;
}

/** The membership of a user in a conversation. Null for strangers, who must not learn whether it exists. */
export type Membership = Pick<Member, "role" | "pending"> | null;
