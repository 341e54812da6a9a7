import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { conversationId, idIn, messageId, optional, strict } from "./fields.ts";

/** A checked `delete_message`: always for everyone. */
export interface DeleteMessageBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
}

const shape = new PayloadShape(
  Type.Object(
    {
      message_id: messageId,
      conversation_id: conversationId,
      delete_for_everyone: optional(
        Type.Literal(true),
        "must be true, or left out; deleting for oneself comes with a later version",
      ),
    },
    strict,
  ),
);

export function readDeleteMessage(payload: unknown): DeleteMessageBody | Rejection {
  if (!shape.fits(payload)) return shape.refusal(payload);
  return { conversationId: idIn(payload.conversation_id), messageId: idIn(payload.message_id) };
}
