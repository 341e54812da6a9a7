import { server } from "../access.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Rule } from "../rule.ts";
import { noSuchUser, youBlocked } from "./blocks.ts";
import type { ConversationState } from "./conversation.ts";
import { directOnly } from "./members.ts";

/**
 * A user who declined a direct conversation begins it again with the same user. Only the creation of a direct conversation issues it, after
 * it has found the conversation of the two; no command of a client maps to it directly.
 */
export interface ReturnToDirect {
  readonly type: "return_to_direct";
  readonly id: string;
  readonly conversationId: string;
  /** One of its two users. */
  readonly senderId: string;
  readonly otherUserId: string;
}

/** Members returned this way see the whole history. Changes nothing if the sender is a member. */
export function decideReturn(state: ConversationState, command: ReturnToDirect, facts: Facts): Decision {
  const { nowUs } = facts;
  const { senderId, otherUserId } = command;
  if (state.type !== "direct") return directOnly;
  if (state.members.has(senderId)) return { type: "decided", events: [] };
  const contact = facts.contact(senderId, otherUserId);
  if (contact.isBlocked) return youBlocked;
  if (contact.hasBlocked) return noSuchUser;
  const rev = state.rev + 1;
  const begun = { joinedAtUs: nowUs, joinedSeq: 0, joinedRev: rev, rev };
  const member = { userId: senderId, role: "member", ...begun, leftSeq: null, leftAtUs: null } as const;
  const returned = { type: "member_added", conversationId: state.id, rev, actorId: senderId } as const;
  return { type: "decided", events: [{ ...returned, atUs: nowUs, member }] };
}

export const returnRule: Rule<ReturnToDirect> = {
  allows: server,
  needs: {
    contacts: ({ otherUserId }) => ({ userIds: [otherUserId], asksFirst: false }),
  },
  isOfServer: true,
  decide: decideReturn,
};
