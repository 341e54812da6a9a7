import type { RecentKeys } from "../messages/recent-keys.ts";

export type ConversationType = "direct" | "group";
export const roles = ["owner", "admin", "moderator", "member"] as const;
export type Role = (typeof roles)[number];

export interface Member {
  readonly userId: string;
  readonly role: Role;
  readonly joinedAtUs: number;
}

/**
 * What an actor keeps of its conversation in order to decide. Owned by one actor and moved only by `apply`.
 * `seq` numbers the messages, `rev` the changes that every member sees; both start at 0.
 */
export interface ConversationState {
  readonly id: string;
  readonly type: ConversationType;
  readonly isActive: boolean;
  readonly members: ReadonlyMap<string, Member>;
  readonly keys: RecentKeys;
  membersRev: number;
  seq: number;
  rev: number;
  lastSentAtUs: number;
}

/** The numbers that move with each change: what a join answers and a list orders by. */
export interface Head {
  readonly seq: number;
  readonly rev: number;
  readonly membersRev: number;
  readonly lastMessageAtUs: number | null;
}

/** A conversation as its members see it. */
export interface Conversation {
  readonly id: string;
  readonly type: ConversationType;
  /** JSON text of an object, returned as it was given. */
  readonly metadata: string;
  readonly isActive: boolean;
  readonly createdAtUs: number;
  readonly updatedAtUs: number;
  readonly members: readonly Member[];
  readonly head: Head;
}

/** What somebody who asks is to a conversation; null for strangers, who also cannot tell whether it exists. */
export type Membership = { readonly role: Role } | null;
