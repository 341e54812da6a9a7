import { type Access, anybody, members } from "./access.ts";
import { type Command, ruleByType } from "./commands.ts";
import type { AllowReadding } from "./conversations/allow-readding.ts";
import type { CreateConversation } from "./conversations/create.ts";
import type { MarkMember } from "./messages/marks.ts";
import type { MarkAsUnread } from "./private/mark-unread.ts";
import type { Query } from "./queries.ts";

type Asking = CreateConversation | MarkMember | MarkAsUnread | AllowReadding | Query;

/** Every request that needs a permission. */
export type Action = (Command | Asking)["type"];

/** Says who may make each request that is not a command. The type checker finds a missing line. */
export const authorize: Readonly<Record<Asking["type"], Access>> = {
  create_direct: anybody,
  create_group: anybody,
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

/** Returns who may do this. */
export function accessOf(action: Action): Access {
  if (action in ruleByType) return ruleByType[action as Command["type"]].allows;
  return authorize[action as Asking["type"]];
}
