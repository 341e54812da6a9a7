import type { RemoveMember } from "../../core/conversations/members.ts";
import { costs } from "../../core/limits/costs.ts";
import { conversationOf, inConversation } from "../asked.ts";
import { command } from "../command.ts";
import { uuidOrUnknown } from "../uuid.ts";

export const removeMember = command<never, RemoveMember>({
  name: "remove_member",
  summary: "Removes a member from a group.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: null,
  toCommand(_body, asked, { newId }) {
    const conversationId = conversationOf(asked, null);
    if (typeof conversationId !== "string") return conversationId;
    const userId = uuidOrUnknown(asked.params.userId, newId);
    return { type: "remove_member", id: newId(), conversationId, senderId: asked.caller.userId, userId };
  },
  rest: [
    {
      method: "DELETE",
      path: "/conversations/:id/members/:userId",
      at: inConversation,
      replies: { 204: { summary: "They are not a member any more." } },
      answer: () => ({ status: 204 }),
    },
  ],
});
