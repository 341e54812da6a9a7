import { Type } from "@sinclair/typebox";
import type { ChangeRole } from "../../core/conversations/change-role.ts";
import { type Member, roles } from "../../core/conversations/conversation.ts";
import { noSuchMember } from "../../core/conversations/members.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { inConversation, ownOf } from "../asked.ts";
import { command } from "../command.ts";
import type { Answer } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import type { Services } from "../services.ts";
import { uuidOrUnknown } from "../uuid.ts";
import { memberSchema, memberText, memberTexts } from "../views/member.ts";
import { closed } from "../views/schemas.ts";
import { membersAfter } from "./members-after.ts";

const schema = Type.Object({
  role: Type.Union(
    roles.map((role) => Type.Literal(role)),
    { description: `must be one of ${roles.join(", ")}; only the owner gives owner, and becomes an admin` },
  ),
});

export const changeRole = command<typeof schema, ChangeRole>({
  name: "change_role",
  summary: "Changes the role of a member of a group.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({ operation: "change_role", schema, example: { role: "moderator" } }),
  toCommand({ role }, asked, on) {
    const own = ownOf(asked, on);
    if (isRejection(own)) return own;
    return { type: "change_role", ...own, userId: uuidOrUnknown(asked.params.userId, on.newId), role };
  },
  rest: [
    {
      method: "PATCH",
      path: "/conversations/:id/members/:userId/role",
      at: inConversation,
      replies: {
        200: {
          summary: "The member as they are now, also when they had the role already.",
          data: memberSchema,
          meta: closed({
            also_changed: Type.Optional(
              Type.Array(memberSchema, {
                description: "Other members that changed with them: the former owner.",
              }),
            ),
          }),
        },
      },
      answer(settled, command, on) {
        const changed = membersAfter(settled, "member_role_changed");
        return changed.length > 0 ? changedAnswer(changed, command.userId) : unchangedAnswer(command, on);
      },
    },
  ],
});

function changedAnswer(changed: readonly Member[], userId: string): Answer {
  const member = changed.find((each) => each.userId === userId)!;
  const others = changed.filter((each) => each.userId !== userId);
  const meta = others.length === 0 ? "{}" : `{"also_changed":${memberTexts(others)}}`;
  return { status: 200, data: memberText(member), meta };
}

async function unchangedAnswer(
  { senderId: viewerId, conversationId, userId }: ChangeRole,
  { queries }: Services,
): Promise<Answer | Rejection> {
  const summary = await queries.show({ type: "show_conversation", viewerId, conversationId });
  if (isRejection(summary)) return summary;
  const member = summary.conversation.members.find((each) => each.userId === userId);
  return member ? { status: 200, data: memberText(member) } : noSuchMember;
}
