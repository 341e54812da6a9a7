import { administrators } from "../access.ts";
import type { Decision } from "../decision.ts";
import { reject } from "../rejection.ts";
import type { Rule } from "../rule.ts";
import type { ConversationState, Member, Role } from "./conversation.ts";
import { ownerAmong, roleChanged } from "./group-owner.ts";
import { directIsFixed, noSuchMember } from "./members.ts";
import { rank } from "./rank.ts";

/** A member gets another role. */
export interface ChangeRole {
  readonly type: "change_role";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly userId: string;
  /** `owner` hands the group over: the former owner becomes an admin. */
  readonly role: Role;
}

/**
 * Gives a role to a member who ranks below the sender, or a lower one to the sender. The role that a member has already changes nothing. Only
 * the owner gives `owner`, and keeps it until then.
 */
export function decideChangeRole(state: ConversationState, command: ChangeRole, nowUs: number): Decision {
  if (state.type === "direct") return directIsFixed;
  const sender = state.members.get(command.senderId)!;
  const member = state.members.get(command.userId);
  if (!member) return noSuchMember;
  if (command.role === "owner") return decideHandOver(state, sender, member, nowUs);
  if (member.role === command.role) return { type: "decided", events: [] };
  if (member !== sender && rank[member.role] >= rank[sender.role]) return ranksTooHigh;
  if (member === ownerAmong(state.members.values())) return handOverFirst;
  const changed = roleChanged(state, member, command.role, sender.userId, nowUs);
  return { type: "decided", events: [changed] };
}

/** Both members change in one revision: at no revision has the group two owners, or none. */
function decideHandOver(state: ConversationState, sender: Member, member: Member, nowUs: number): Decision {
  if (member !== sender && member.role === "owner") return { type: "decided", events: [] };
  if (sender !== ownerAmong(state.members.values())) return onlyTheOwner;
  if (member === sender) return ownsAlready;
  const events = [roleChanged(state, member, "owner", sender.userId, nowUs)];
  if (sender.role !== "admin") events.push(roleChanged(state, sender, "admin", sender.userId, nowUs));
  return { type: "decided", events };
}

const ranksTooHigh = reject("forbidden", "You can change only the roles of members who rank below you.");
const onlyTheOwner = reject("forbidden", "Only the owner of the group can make another member its owner.");
const ownsAlready = reject(
  "conflict",
  "You own this group already. To hand it over, give the role owner to another member.",
);
const handOverFirst = reject(
  "conflict",
  "You own this group, and a group always has an owner. Give the role owner to another member first, or leave: then the longest-standing admin, else moderator, else member owns it.",
);

export const changeRoleRule: Rule<ChangeRole> = {
  allows: administrators,
  decide: (state, command, { nowUs }) => decideChangeRole(state, command, nowUs),
};
