import { Type } from "@sinclair/typebox";
import type { LeaveConversation } from "../../core/conversations/members.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { inConversation, ownOf } from "../asked.ts";
import { command } from "../command.ts";
import { optional } from "../fields.ts";
import { PayloadShape } from "../payload-shape.ts";
import { eventsAfter } from "../settled-events.ts";
import { closed, id, nullable } from "../views/schemas.ts";
import { membersAfter } from "./members-after.ts";

const schema = Type.Object({
  allow_readding: optional(
    Type.Boolean(),
    "must be true where members may add you again within 24 h, or left out",
  ),
});

export const leaveConversation = command<typeof schema, LeaveConversation>({
  name: "leave_conversation",
  summary: "Leaves a group.",
  description: "The oldest of the members with the highest role takes over from an owner who leaves.",
  costs: costs.change,
  refuses: ["not_found", "conflict", "outcome_unknown"],
  payload: new PayloadShape({ operation: "leave_conversation", schema, example: { allow_readding: true } }),
  toCommand({ allow_readding }, asked, on) {
    const own = ownOf(asked, on);
    if (isRejection(own)) return own;
    return { type: "leave_conversation", ...own, allowsReadding: allow_readding === true };
  },
  rest: [
    {
      method: "POST",
      path: "/conversations/:id/leave",
      at: inConversation,
      isBodyOptional: true,
      replies: {
        200: {
          summary: "You are not a member any more.",
          data: closed({
            left: Type.Literal(true),
            auto_promoted_user_id: nullable(id(), "Who took over as owner; null: nobody had to."),
            conversation_deactivated: Type.Boolean({ description: "The group has no members any more." }),
          }),
          meta: closed({}),
        },
      },
      answer(settled) {
        const heir = membersAfter(settled, "member_role_changed").find(({ role }) => role === "owner");
        const isOver = eventsAfter(settled).some(({ type }) => type === "conversation_deactivated");
        const promoted = heir ? `"${heir.userId}"` : "null";
        const data = `{"left":true,"auto_promoted_user_id":${promoted},"conversation_deactivated":${isOver}}`;
        return { status: 200, data };
      },
    },
  ],
});
