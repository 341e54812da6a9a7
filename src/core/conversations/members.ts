import type { Decision } from "../decision.ts";
import { reject } from "../rejection.ts";
import type { ConversationState, Member, Role } from "./conversation.ts";
import type { MemberChanged } from "./member-changed.ts";

/** The most members of a group. */
export const largestGroup = 1_000;

/** Members come. All of them, or none. */
export interface AddMembers {
  readonly type: "add_members";
  readonly id: string;
  readonly conversationId: string;
  /** Who does it: the token's subject. */
  readonly senderId: string;
  readonly userIds: readonly string[];
}

export interface RemoveMember {
  readonly type: "remove_member";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly userId: string;
}

export interface LeaveConversation {
  readonly type: "leave_conversation";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
}

const rank: Readonly<Record<Role, number>> = { owner: 3, admin: 2, moderator: 1, member: 0 };

export function decideAdd(state: ConversationState, command: AddMembers, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  const present = command.userIds.filter((userId) => state.members.has(userId));
  if (present.length > 0) {
    return reject("conflict", "Some of them are members already; add only the others.", {
      details: { user_ids: present.slice(0, 10).join(", ") },
    });
  }
  if (state.members.size + command.userIds.length > largestGroup) return groupIsFull;
  const rev = state.rev + 1;
  return {
    type: "decided",
    events: command.userIds.map((userId) => ({
      type: "member_added",
      conversationId: state.id,
      rev,
      actorId: command.senderId,
      atUs: nowUs,
      member: {
        userId,
        role: "member",
        joinedAtUs: nowUs,
        joinedSeq: state.seq,
        joinedRev: rev,
        rev,
        leftSeq: null,
        leftAtUs: null,
      },
    })),
  };
}

/** Whoever ranks below may be removed; who wants to go leaves. */
export function decideRemove(state: ConversationState, command: RemoveMember, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  if (command.userId === command.senderId) return leaveInstead;
  const member = state.members.get(command.userId);
  if (!member) return noSuchMember;
  if (rank[member.role] >= rank[state.members.get(command.senderId)!.role]) return ranksTooHigh;
  return { type: "decided", events: [memberRemoved(state, member, command.senderId, nowUs)] };
}

/** When the last who may administrate goes, the longest-standing member takes over. */
export function decideLeave(state: ConversationState, command: LeaveConversation, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  const leaving = state.members.get(command.senderId)!;
  const left = memberRemoved(state, leaving, command.senderId, nowUs);
  const heir = heirOf(state, leaving);
  return { type: "decided", events: heir ? [left, promoted(state, heir, command.senderId, nowUs)] : [left] };
}

function memberRemoved(
  state: ConversationState,
  member: Member,
  actorId: string,
  nowUs: number,
): MemberChanged {
  const rev = state.rev + 1;
  return {
    type: "member_removed",
    conversationId: state.id,
    rev,
    actorId,
    atUs: nowUs,
    member: { ...member, rev, leftSeq: state.seq, leftAtUs: nowUs },
  };
}

function promoted(state: ConversationState, member: Member, actorId: string, nowUs: number): MemberChanged {
  const rev = state.rev + 1;
  return {
    type: "member_role_changed",
    conversationId: state.id,
    rev,
    actorId,
    atUs: nowUs,
    member: { ...member, role: "admin", rev, leftSeq: null, leftAtUs: null },
  };
}

function heirOf(state: ConversationState, leaving: Member): Member | null {
  if (rank[leaving.role] < rank.admin) return null;
  const others = [...state.members.values()].filter((member) => member !== leaving);
  if (others.some((member) => rank[member.role] >= rank.admin)) return null;
  return others.reduce<Member | null>((one, other) => (one && !isOlder(other, one) ? one : other), null);
}

function isOlder(one: Member, other: Member): boolean {
  if (one.joinedAtUs !== other.joinedAtUs) return one.joinedAtUs < other.joinedAtUs;
  return one.userId < other.userId;
}

/** Another map, so that what was decided before keeps the members of its own revision. */
export function applyMemberChanged(state: ConversationState, event: MemberChanged): void {
  const members = new Map(state.members);
  if (event.member.leftSeq === null) members.set(event.member.userId, event.member);
  else members.delete(event.member.userId);
  state.members = members;
  state.membersRev = event.rev;
}

/** Whether the role may add and remove members, and change what others wrote. */
export function administrates(role: Role): boolean {
  return rank[role] >= rank.admin;
}

export function moderates(role: Role): boolean {
  return rank[role] >= rank.moderator;
}

const directIsFixed = reject("conflict", "A direct conversation has its two members for good.");
const groupIsFull = reject("conflict", `A group has at most ${largestGroup} members.`);
const leaveInstead = reject("conflict", "You cannot remove yourself; leave the conversation instead.");
const noSuchMember = reject("not_found", "This user is not a member of the conversation.");
const ranksTooHigh = reject("forbidden", "Only members who rank below you can be removed by you.");
