import { Type } from "@sinclair/typebox";
import type { DeclineConversation } from "../../core/conversations/acceptance.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { inConversation, ownOf } from "../asked.ts";
import { command } from "../command.ts";
import { closed, conversationIdField } from "../views/schemas.ts";

export const declineConversation = command<never, DeclineConversation>({
  name: "decline_conversation",
  summary: "Declines a conversation that another user began with you, and leaves it.",
  costs: costs.change,
  refuses: ["not_found", "conflict", "outcome_unknown"],
  payload: null,
  toCommand(_body, asked, on) {
    const own = ownOf(asked, on);
    return isRejection(own) ? own : { type: "decline_conversation", ...own };
  },
  rest: [
    {
      method: "POST",
      path: "/conversations/:id/decline",
      at: inConversation,
      replies: {
        200: {
          summary: "You are not a member any more.",
          data: closed({ conversation_id: conversationIdField, declined: Type.Literal(true) }),
          meta: closed({}),
        },
      },
      answer: (_settled, { conversationId }) => ({
        status: 200,
        data: `{"conversation_id":"${conversationId}","declined":true}`,
      }),
    },
  ],
});
