import { type Command, ruleOf } from "./commands.ts";
import { acceptedByActing } from "./conversations/acceptance.ts";
import type { ConversationState } from "./conversations/conversation.ts";
import { keepOneOwner } from "./conversations/group-owner.ts";
import type { Decision } from "./decision.ts";
import type { Facts } from "./facts.ts";

/**
 * Decides on a command by its rule. Pure and synchronous: the same state, command and facts always give the same decision. `facts` must hold
 * what the rule needs.
 */
export function decide(state: ConversationState, command: Command, facts: Facts): Decision {
  const { nowUs } = facts;
  const rule = ruleOf(command);
  const membership = state.members.get(command.senderId) ?? null;
  const refusal = rule.allows.refusal(membership, state);
  if (refusal) return refusal;
  const decision = keepOneOwner(state, rule.decide(state, command, facts), command, nowUs);
  return rule.isOfServer ? decision : acceptedByActing(state, membership, decision, command, nowUs);
}
