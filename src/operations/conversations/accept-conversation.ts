import type { AcceptConversation } from "../../core/conversations/acceptance.ts";
import { costs } from "../../core/limits/costs.ts";
import { conversationOf, inConversation } from "../asked.ts";
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
  toCommand(_body, asked, { newId }) {
    const conversationId = conversationOf(asked, null);
    if (typeof conversationId !== "string") return conversationId;
    return { type: "accept_conversation", id: newId(), conversationId, senderId: asked.caller.userId };
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
