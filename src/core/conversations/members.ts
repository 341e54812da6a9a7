import { type Access, administrators, members } from "../access.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import type { Rule } from "../rule.ts";
import type { Contact } from "./contact.ts";
import { mayNotMeet, pendingOf } from "./contacts.ts";
import type { ConversationState, Member } from "./conversation.ts";
import type { ConversationDeactivated } from "./conversation-changed.ts";
import type { MemberChanged } from "./member-changed.ts";
import { notPermitted } from "./not-permitted.ts";
import { rank } from "./rank.ts";

/** The most members of a group. */
export const maxGroupMembers = 1_000;

/** Adds members: all of them, or none. */
export interface AddMembers {
  readonly type: "add_members";
  readonly id: string;
  readonly conversationId: string;
  /** The user who adds them: the token's subject. */
  readonly senderId: string;
  readonly userIds: readonly string[];
  /** Users who do not know each other are asked whether they accept. Absent: no. */
  readonly asksFirst?: boolean;
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
  /** Others may add them again at once. Absent: not before `staysOutUs` have passed. */
  readonly allowsReadding?: boolean;
}

/** How long members who left by themselves are not added again, unless they allow it. Microseconds. */
const staysOutUs = 24 * 3_600 * 1_000_000;

export function decideAdd(state: ConversationState, command: AddMembers, facts: Facts): Decision {
  const { nowUs } = facts;
  if (state.type === "direct") return directIsFixed;
  const present = command.userIds.filter((userId) => state.members.has(userId));
  if (present.length > 0) {
    return reject("conflict", "Some of them are members already; add only the others.", {
      details: { user_ids: present.slice(0, 10).join(", ") },
    });
  }
  if (state.members.size + command.userIds.length > maxGroupMembers) return groupIsFull;
  const contacts = command.userIds.map((userId) => facts.contact(command.senderId, userId));
  const refusal = mayNotMeet(contacts, nowUs);
  if (refusal) return refusal;
  return { type: "decided", events: contacts.map((contact) => added(state, command, contact, nowUs)) };
}

function added(
  state: ConversationState,
  { senderId, asksFirst = false }: AddMembers,
  contact: Contact,
  nowUs: number,
): MemberChanged {
  const rev = state.rev + 1;
  const begun = { joinedAtUs: nowUs, joinedSeq: state.seq, joinedRev: rev, rev };
  const pending = pendingOf(contact, asksFirst);
  return {
    type: "member_added",
    conversationId: state.id,
    rev,
    actorId: senderId,
    atUs: nowUs,
    member: { userId: contact.userId, role: "member", pending, ...begun, leftSeq: null, leftAtUs: null },
  };
}

/** Removes a member who ranks below the sender. Senders cannot remove themselves: they leave. */
export function decideRemove(state: ConversationState, command: RemoveMember, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  if (command.userId === command.senderId) return leaveInstead;
  const member = state.members.get(command.userId);
  if (!member) return noSuchMember;
  if (rank[member.role] >= rank[state.members.get(command.senderId)!.role]) return ranksTooHigh;
  return { type: "decided", events: [memberRemoved(state, member, command.senderId, nowUs)] };
}

/** With the last member the conversation ends. Who owns a group after its owner left is up to `keepOneOwner`. */
export function decideLeave(state: ConversationState, command: LeaveConversation, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  const { senderId } = command;
  const removed = memberRemoved(state, state.members.get(senderId)!, senderId, nowUs);
  const out = command.allowsReadding ? {} : { staysOutUntilUs: nowUs + staysOutUs };
  const left = { ...removed, member: { ...removed.member, ...out } };
  const isLast = state.members.size === 1;
  return { type: "decided", events: isLast ? [left, deactivated(state, nowUs)] : [left] };
}

export function memberRemoved(
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

function deactivated(state: ConversationState, nowUs: number): ConversationDeactivated {
  return {
    type: "conversation_deactivated",
    conversationId: state.id,
    rev: state.rev + 1,
    atUs: nowUs,
  };
}

/** Makes another map for each revision, so that what was decided before keeps its own; one for all the members that a command changes. */
export function applyMemberChanged(state: ConversationState, event: MemberChanged): void {
  const isOfThisRevision = state.membersRev === event.rev;
  const members = isOfThisRevision ? (state.members as Map<string, Member>) : new Map(state.members);
  if (event.member.leftSeq === null) members.set(event.member.userId, event.member);
  else members.delete(event.member.userId);
  state.members = members;
  state.membersRev = event.rev;
}

export const directIsFixed = reject("conflict", "The members of a direct conversation cannot be changed.");
export const directOnly = reject("conflict", "This works only in direct conversations.");
const groupIsFull = reject("conflict", `A group has at most ${maxGroupMembers} members.`);
const leaveInstead = reject("conflict", "You cannot remove yourself; leave the conversation instead.");
export const noSuchMember = reject("not_found", "This user is not a member of the conversation.");
const ranksTooHigh = reject("forbidden", "You can remove only members who rank below you.");

const adders: Access = {
  who: "owners and admins of the group, or those whom add_members_permission lets",
  refusal(membership, state) {
    if (!membership || !state) return administrators.refusal(membership);
    return notPermitted(state, membership.role, "add_members_permission");
  },
};

export const addRule: Rule<AddMembers> = {
  allows: adders,
  needs: { contacts: ({ userIds, asksFirst = false }) => ({ userIds, asksFirst }) },
  decide: decideAdd,
};

export const removeRule: Rule<RemoveMember> = {
  allows: administrators,
  decide: (state, command, { nowUs }) => decideRemove(state, command, nowUs),
};

export const leaveRule: Rule<LeaveConversation> = {
  allows: members,
  decide: (state, command, { nowUs }) => decideLeave(state, command, nowUs),
};
