import { type Rejection, reject } from "../rejection.ts";
import type { ConversationState, Role } from "./conversation.ts";
import { type Audience, audiences, type Permissions, permissionNames } from "./permissions.ts";
import { rank } from "./rank.ts";

const lowestRank: Readonly<Record<Audience, number>> = {
  all_members: rank.member,
  moderators_plus: rank.moderator,
  admins_only: rank.admin,
};

/** Null: a member of this role may. In direct conversations nothing is set. */
export function notPermitted(
  state: Pick<ConversationState, "type" | "permissions">,
  role: Role,
  name: keyof Permissions,
): Rejection | null {
  const audience = state.permissions[name];
  if (state.type === "direct" || rank[role] >= lowestRank[audience]) return null;
  return refusals[name][audience];
}

const whoMay: Readonly<Record<Audience, string>> = {
  all_members: "all members",
  moderators_plus: "moderators, admins and owners",
  admins_only: "admins and owners",
};
const what: Readonly<Record<keyof Permissions, string>> = {
  message_permission: "write",
  media_permission: "send media",
  mention_permission: "mention others",
  add_members_permission: "add members",
};

const refusals = Object.fromEntries(
  permissionNames.map((name) => [
    name,
    Object.fromEntries(audiences.map((audience) => [audience, refusalOf(name, audience)])),
  ]),
) as Readonly<Record<keyof Permissions, Readonly<Record<Audience, Rejection>>>>;

function refusalOf(name: keyof Permissions, audience: Audience): Rejection {
  const text = `The settings of this group let only ${whoMay[audience]} ${what[name]} (${name}: ${audience}).`;
  return reject("forbidden", text);
}
