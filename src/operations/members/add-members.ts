import { type Static, Type } from "@sinclair/typebox";
import { type AddMembers, maxGroupMembers } from "../../core/conversations/members.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { inConversation, ownOf } from "../asked.ts";
import { command } from "../command.ts";
import { optional, uuid } from "../fields.ts";
import { PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import { sampleIds } from "../sample-ids.ts";
import { memberSchema, memberText, memberTexts } from "../views/member.ts";
import { closed } from "../views/schemas.ts";
import { membersAfter } from "./members-after.ts";

const userIdAllowed = "must be the UUID of a user";

const schema = Type.Object({
  user_id: optional(uuid, userIdAllowed),
  // Each of them is looked up before the rules are asked.
  user_ids: optional(
    Type.Array(uuid, { minItems: 1, maxItems: maxGroupMembers }),
    `must be the UUIDs of users, at least one and at most ${maxGroupMembers}`,
  ),
});

/** The body named one user by `user_id`, and is answered with one member. */
interface Addition extends AddMembers {
  readonly isSingle: boolean;
}

export const addMembers = command<typeof schema, Addition>({
  name: "add_members",
  summary: "Adds users to a group.",
  description:
    "All of them or none. One user is named by user_id, and the answer is that member; several by user_ids, and it is a list.",
  costs: costs.addition,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({
    operation: "add_members",
    schema,
    aliases: { member_ids: "user_ids" },
    example: { user_ids: [sampleIds.carol] },
  }),
  toCommand(body, asked, on) {
    const named = usersOf(body);
    if (isRejection(named)) return named;
    const own = ownOf(asked, on);
    if (isRejection(own)) return own;
    return { type: "add_members", ...own, ...named, asksFirst: on.limits.asksFirst };
  },
  rest: [
    {
      method: "POST",
      path: "/conversations/:id/members",
      at: inConversation,
      replies: {
        201: {
          summary: "The new member, or the list of them.",
          data: Type.Union([memberSchema, Type.Array(memberSchema)]),
          meta: closed({}),
        },
      },
      answer(settled, { isSingle }) {
        const members = membersAfter(settled, "member_added");
        return { status: 201, data: isSingle ? memberText(members[0]!) : memberTexts(members) };
      },
    },
  ],
});

/** Each once, at least one. */
function usersOf({
  user_id,
  user_ids,
}: Static<typeof schema>): Pick<Addition, "userIds" | "isSingle"> | Rejection {
  if (user_id && user_ids) return refusedField("user_ids", "must be left out beside user_id");
  if (user_ids) return { userIds: user_ids, isSingle: false };
  if (!user_id) return refusedField("user_id", `is required: ${userIdAllowed}; user_ids names several`);
  return { userIds: [user_id], isSingle: true };
}
