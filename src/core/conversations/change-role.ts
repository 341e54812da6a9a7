import type { Decision } from "../decision.ts";
import { reject } from "../rejection.ts";
import type { ConversationState, Role } from "./conversation.ts";
import { directIsFixed, noSuchMember, roleChanged } from "./members.ts";
import { administrates, isLastAdministrator, rank } from "./rank.ts";

/** The roles that can be given: who owns a group is who made it. */
export const grantableRoles = ["admin", "moderator", "member"] as const satisfies readonly Role[];
export type GrantableRole = (typeof grantableRoles)[number];

/** A member gets another role. */
export interface ChangeRole {
  readonly type: "change_role";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly userId: string;
  readonly role: GrantableRole;
}

/** To whoever ranks below, and to oneself downwards; the same role again changes nothing. No role ranks above those who may give it. */
export function decideChangeRole(state: ConversationState, command: ChangeRole, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  const { senderId, userId, role } = command;
  const member = state.members.get(userId);
  if (!member) return noSuchMember;
  if (member.role === role) return { type: "decided", events: [] };
  if (userId !== senderId && rank[member.role] >= rank[state.members.get(senderId)!.role])
    return ranksTooHigh;
  if (!administrates(role) && isLastAdministrator(state, member)) return lastAdministrator;
  return { type: "decided", events: [roleChanged(state, member, role, senderId, nowUs)] };
}

const ranksTooHigh = reject("forbidden", "Only members who rank below you can get another role from you.");
const lastAdministrator = reject(
  "conflict",
  "Nobody else administrates this group. Make another member an admin first, or leave: then the longest-standing member takes over.",
);
