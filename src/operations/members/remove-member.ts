import type { RemoveMember } from "../../core/conversations/members.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { inConversation, ownOf } from "../asked.ts";
import { command } from "../command.ts";
import { uuidOrUnknown } from "../uuid.ts";

export const removeMember = command<never, RemoveMember>({
  name: "remove_member",
  summary: "Removes a member from a group.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: null,
  toCommand(_body, asked, on) {
    const own = ownOf(asked, on);
    if (isRejection(own)) return own;
    return { type: "remove_member", ...own, userId: uuidOrUnknown(asked.params.userId, on.newId) };
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
