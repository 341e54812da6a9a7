import { Type } from "@sinclair/typebox";
import type { LeaveConversation } from "../../core/conversations/members.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { optional } from "./fields.ts";

const shape = new PayloadShape({
  operation: "leave_conversation",
  schema: Type.Object({
    allow_readding: optional(
      Type.Boolean(),
      "must be true where members may add you again within 24 h, or left out",
    ),
  }),
});

/** A checked `POST /conversations/:id/leave`. */
export function readLeave(
  payload: unknown,
  reading: Reading,
): Pick<LeaveConversation, "allowsReadding"> | Rejection {
  const body = shape.read(payload, reading);
  return body ? { allowsReadding: body.allow_readding === true } : shape.refusal(payload);
}
