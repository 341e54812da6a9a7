import type { ConversationState, Member, Role } from "./conversation.ts";

/** Who stands above whom. */
export const rank: Readonly<Record<Role, number>> = { owner: 3, admin: 2, moderator: 1, member: 0 };

/** Whether the role may say who is a member and with which role, and what the conversation is called. */
export function administrates(role: Role): boolean {
  return rank[role] >= rank.admin;
}

/** Whether the role may delete what others wrote. */
export function moderates(role: Role): boolean {
  return rank[role] >= rank.moderator;
}

/** Nobody else administrates: a conversation with members always has somebody who does. */
export function isLastAdministrator(state: ConversationState, member: Member): boolean {
  if (!administrates(member.role)) return false;
  for (const other of state.members.values())
    if (other.userId !== member.userId && administrates(other.role)) return false;
  return true;
}
