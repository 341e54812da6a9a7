import { Type } from "@sinclair/typebox";
import { maxGroupMembers } from "../../core/conversations/members.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { optional, uuid } from "./fields.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `POST /conversations/:id/members`. */
export interface AddMembersBody {
  /** Each once. At least one. */
  readonly userIds: readonly string[];
  /** The body named one user by `user_id`, and is answered with one member. */
  readonly isSingle: boolean;
}

const userIdAllowed = "must be the UUID of a user";

const shape = new PayloadShape({
  operation: "add_members",
  schema: Type.Object({
    user_id: optional(uuid, userIdAllowed),
    // Each of them is looked up before the rules are asked.
    user_ids: optional(
      Type.Array(uuid, { minItems: 1, maxItems: maxGroupMembers }),
      `must be the UUIDs of users, at least one and at most ${maxGroupMembers}`,
    ),
  }),
  aliases: { member_ids: "user_ids" },
});

export function readAddMembers(payload: unknown, reading: Reading): AddMembersBody | Rejection {
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  const { user_id, user_ids } = body;
  if (user_id && user_ids) return refusedField("user_ids", "must be left out beside user_id");
  if (user_ids) return { userIds: user_ids, isSingle: false };
  if (!user_id) return refusedField("user_id", `is required: ${userIdAllowed}; user_ids names several`);
  return { userIds: [user_id], isSingle: true };
}
