import type { Command } from "./commands.ts";
import type { ConversationState, Membership } from "./conversations/conversation.ts";
import type { CreateDirect } from "./conversations/create.ts";
import type { Query } from "./queries.ts";
import { type Rejection, reject } from "./rejection.ts";

type Rule = (membership: Membership, state?: ConversationState) => Rejection | null;

/** The same answer for strangers whether the conversation exists or not. */
export const noSuchConversation = reject(
  "not_found",
  "There is no such conversation, or you are not a member of it.",
);

const members: Rule = (membership) => (membership ? null : noSuchConversation);

const anybody: Rule = () => null;

/** Who may do what: one rule per command and query, so that the type checker proves that none is forgotten. */
export const authorize: Readonly<Record<(Command | CreateDirect | Query)["type"], Rule>> = {
  create_direct: anybody,
  send_message: members,
  list_conversations: anybody,
  show_conversation: members,
  read_history: members,
  join_conversation: members,
};
