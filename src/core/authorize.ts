import type { Command } from "./commands.ts";
import type { AllowReadding } from "./conversations/allow-readding.ts";
import type { ConversationState, Membership } from "./conversations/conversation.ts";
import type { CreateConversation } from "./conversations/create.ts";
import { notPermitted } from "./conversations/not-permitted.ts";
import { administrates } from "./conversations/rank.ts";
import type { MarkAsUnread, MarkMember } from "./messages/marks.ts";
import type { Query } from "./queries.ts";
import { type Rejection, reject } from "./rejection.ts";

type Rule = (membership: Membership, state?: ConversationState) => Rejection | null;

/** The same answer for strangers whether the conversation exists or not. */
export const noSuchConversation = reject(
  "not_found",
  "There is no such conversation, or you are not a member of it.",
);

const members: Rule = (membership) => (membership ? null : noSuchConversation);

/** A member without the right is told so. In a direct conversation both have it; a rule itself says what is for groups only. */
const administrators: Rule = (membership, state) => {
  if (!membership) return noSuchConversation;
  return administrates(membership.role) || state?.type === "direct" ? null : notAdministrator;
};

/** Whoever the group's settings let. */
const adders: Rule = (membership, state) => {
  if (!membership || !state) return administrators(membership);
  return notPermitted(state, membership.role, "add_members_permission");
};

const notAdministrator = reject("forbidden", "Only owners and admins of the group can do this.");

const anybody: Rule = () => null;

/** The server itself: nothing that clients send becomes one. */
const server: Rule = () => null;

/** What a rule is asked for. */
export type Action = (
  | Command
  | CreateConversation
  | MarkMember
  | MarkAsUnread
  | AllowReadding
  | Query
)["type"];

/** Who may do what: one rule per command and query, so that the type checker proves that none is forgotten. */
export const authorize: Readonly<Record<Action, Rule>> = {
  create_direct: anybody,
  create_group: anybody,
  send_message: members,
  edit_message: members,
  delete_message: members,
  attach_media: members,
  add_reaction: members,
  remove_reaction: members,
  add_members: adders,
  remove_member: administrators,
  leave_conversation: members,
  change_role: administrators,
  update_conversation: administrators,
  accept_conversation: members,
  decline_conversation: members,
  return_to_direct: server,
  apply_blocks: server,
  mark: members,
  mark_unread: members,
  allow_readding: anybody,
  list_conversations: anybody,
  show_conversation: members,
  list_members: members,
  read_history: members,
  show_message: members,
  show_delivery_status: members,
  join_conversation: members,
  join_user: anybody,
  read_changes: members,
};

const ruleTexts: ReadonlyMap<Rule, string> = new Map([
  [anybody, "every user"],
  [members, "members of the conversation"],
  [administrators, "owners and admins of a group; both members of a direct conversation"],
  [adders, "owners and admins of the group, or those whom add_members_permission lets"],
  [server, "the server itself"],
]);

/** Who may, in words, before the state of what they act on is looked at. */
export function whoMay(action: Action): string {
  return ruleTexts.get(authorize[action])!;
}
