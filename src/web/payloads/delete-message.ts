import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { conversationId, messageId, optional } from "./fields.ts";

/** A checked `delete_message`: always for everyone. */
export interface DeleteMessageBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
}

const shape = new PayloadShape({
  operation: "delete_message",
  schema: Type.Object({
    message_id: messageId,
    conversation_id: conversationId,
    delete_for_everyone: optional(
      Type.Literal(true),
      "must be true, or left out; deleting for oneself comes with a later version",
    ),
  }),
});

export function readDeleteMessage(payload: unknown, reading: Reading): DeleteMessageBody | Rejection {
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  return { conversationId: body.conversation_id ?? null, messageId: body.message_id ?? null };
}
