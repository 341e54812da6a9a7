import type { Role } from "./conversation.ts";

/** A role with a higher number stands above those with lower ones. */
export const rank: Readonly<Record<Role, number>> = { owner: 3, admin: 2, moderator: 1, member: 0 };

/** Whether the role may say who is a member and with which role, and what the conversation is called. */
export function administrates(role: Role): boolean {
  return rank[role] >= rank.admin;
}

/** Whether the role may delete what others wrote. */
export function moderates(role: Role): boolean {
  return rank[role] >= rank.moderator;
}
