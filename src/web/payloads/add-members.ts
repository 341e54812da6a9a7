import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { idIn, optional, strict, uuid } from "./fields.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `POST /conversations/:id/members`. */
export interface AddMembersBody {
  /** Each once. At least one. */
  readonly userIds: readonly string[];
  /** The body named one user by `user_id`, and is answered with one member. */
  readonly isSingle: boolean;
}

const userIdAllowed = "must be the UUID of a user";

const shape = new PayloadShape(
  Type.Object(
    {
      user_id: optional(uuid, userIdAllowed),
      user_ids: optional(Type.Array(uuid, { minItems: 1 }), "must be the UUIDs of users, at least one"),
    },
    strict,
  ),
);

export function readAddMembers(payload: unknown): AddMembersBody | Rejection {
  if (!shape.fits(payload)) return shape.refusal(payload);
  const { user_id, user_ids } = payload;
  if (user_id && user_ids) return refusedField("user_ids", "must be left out beside user_id");
  if (user_ids) return { userIds: [...new Set(user_ids.map((id) => id.toLowerCase()))], isSingle: false };
  const userId = idIn(user_id);
  if (!userId) return refusedField("user_id", `is required: ${userIdAllowed}; user_ids names several`);
  return { userIds: [userId], isSingle: true };
}
