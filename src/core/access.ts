import type { ConversationState, Membership } from "./conversations/conversation.ts";
import { administrates } from "./conversations/rank.ts";
import { type Rejection, reject } from "./rejection.ts";

/** Decides who may do something. */
export interface Access {
  /** Names these users in words, for documents. Rules may refuse more by the state of the conversation. */
  readonly who: string;
  /** Null: they may. `state`: given only when the conversation is in memory where the operation is decided. */
  refusal(membership: Membership, state?: ConversationState): Rejection | null;
}

/** The same answer for strangers whether the conversation exists or not. */
export const noSuchConversation = reject(
  "not_found",
  "There is no such conversation, or you are not a member of it.",
);

export const members: Access = {
  who: "members of the conversation",
  refusal: (membership) => (membership ? null : noSuchConversation),
};

/** Members without the right are told so. In a direct conversation both have it; a rule itself says what is for groups only. */
export const administrators: Access = {
  who: "owners and admins of a group; both members of a direct conversation",
  refusal(membership, state) {
    if (!membership) return noSuchConversation;
    return administrates(membership.role) || state?.type === "direct" ? null : notAdministrator;
  },
};

const notAdministrator = reject("forbidden", "Only owners and admins of the group can do this.");

export const anybody: Access = { who: "every user", refusal: () => null };

/** For commands that only the server issues: no request of a client becomes one. */
export const server: Access = { who: "the server itself", refusal: () => null };
