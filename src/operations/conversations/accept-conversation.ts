import type { AcceptConversation } from "../../core/conversations/acceptance.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { inConversation, ownOf } from "../asked.ts";
import { command } from "../command.ts";
import { shown, shownDoc } from "./shown.ts";

export const acceptConversation = command<never, AcceptConversation>({
  name: "accept_conversation",
  summary: "Accepts a conversation that another user began with you.",
  description:
    "Its state in your list is `request` until then. Accepting what was accepted before changes nothing.",
  costs: costs.change,
  refuses: ["not_found", "outcome_unknown"],
  payload: null,
  toCommand(_body, asked, on) {
    const own = ownOf(asked, on);
    return isRejection(own) ? own : { type: "accept_conversation", ...own };
  },
  rest: [
    {
      method: "POST",
      path: "/conversations/:id/accept",
      at: inConversation,
      replies: { 200: shownDoc("The conversation as it is now.") },
      answer: (_settled, { senderId, conversationId }, on) => shown(on, senderId, conversationId),
    },
  ],
});
