import type { Decision } from "../decision.ts";
import type { Event } from "../events.ts";
import type { ConversationState, Member, Role } from "./conversation.ts";
import type { MemberChanged } from "./member-changed.ts";
import { rank } from "./rank.ts";

/** Keeps the rule that a group with members has exactly one owner. */

/**
 * Returns the owner of a group of these members. Where none of them has the role (the owner left, or version 0.3 lost them), it is the heir:
 * the longest-standing admin, else the longest-standing moderator, else the longest-standing member. Null: there are no members.
 */
export function ownerAmong(members: Iterable<Member>): Member | null {
  let first: Member | null = null;
  for (const member of members) if (!first || comesBefore(member, first)) first = member;
  return first;
}

/** The order of succession. The user id decides between members who joined at the same moment, so that each node finds the same heir. */
function comesBefore(one: Member, other: Member): boolean {
  if (one.role !== other.role) return rank[one.role] > rank[other.role];
  if (one.joinedAtUs !== other.joinedAtUs) return one.joinedAtUs < other.joinedAtUs;
  return one.userId < other.userId;
}

/**
 * Completes the decision on a command that changes members of a group: in the same revision the heir becomes the owner, and any second owner
 * an admin. Returns the decision itself when the group keeps its one owner, when nobody is left, and for direct conversations.
 */
export function keepOneOwner(
  state: ConversationState,
  decision: Decision,
  command: { readonly senderId: string },
  nowUs: number,
): Decision {
  if (state.type === "direct" || decision.type !== "decided") return decision;
  const { events } = decision;
  if (!events.some(isMemberChanged)) return decision;
  const members = membersAfter(state, events);
  const changed = rolesToCorrect(members, ownerAfter(state, members)).map(([member, role]) =>
    roleChanged(state, member, role, command.senderId, nowUs),
  );
  return changed.length === 0 ? decision : { type: "decided", events: [...events, ...changed] };
}

/** The heir who acted as the owner before the command owns the group after it, also when the command gave another member a role that inherits first. */
function ownerAfter(state: ConversationState, members: readonly Member[]): Member | null {
  const owner = ownerAmong(members);
  if (owner?.role === "owner") return owner;
  const before = ownerAmong(state.members.values());
  return members.find(({ userId }) => userId === before?.userId) ?? owner;
}

function rolesToCorrect(
  members: readonly Member[],
  owner: Member | null,
): readonly (readonly [Member, Role])[] {
  return members
    .map((member) => [member, member === owner ? "owner" : withoutOwnership(member.role)] as const)
    .filter(([member, role]) => member.role !== role);
}

function withoutOwnership(role: Role): Role {
  return role === "owner" ? "admin" : role;
}

function membersAfter(state: ConversationState, events: readonly Event[]): readonly Member[] {
  const members = new Map(state.members);
  for (const event of events) {
    if (!isMemberChanged(event)) continue;
    if (event.member.leftSeq === null) members.set(event.member.userId, event.member);
    else members.delete(event.member.userId);
  }
  return [...members.values()];
}

function isMemberChanged(event: Event): event is MemberChanged {
  return "member" in event;
}

/** The member with another role. */
export function roleChanged(
  state: ConversationState,
  member: Member,
  role: Role,
  actorId: string,
  nowUs: number,
): MemberChanged {
  const rev = state.rev + 1;
  return {
    type: "member_role_changed",
    conversationId: state.id,
    rev,
    actorId,
    atUs: nowUs,
    member: { ...member, role, rev, leftSeq: null, leftAtUs: null },
  };
}
