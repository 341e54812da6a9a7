import { Type } from "@sinclair/typebox";
import type { MarkKind } from "../../core/messages/marks.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { numberIn, positiveNumber } from "../whole-number.ts";
import { conversationId, idIn, messageId, optional, strict } from "./fields.ts";
import { refusedField } from "./refused-field.ts";

/** A checked receipt: of everything up to a message, named by its id or by its seq. Both null: it names none. */
export interface MarkBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly seq: number | null;
}

/** A checked `mark_unread`. */
export interface MarkUnreadBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
}

/** A checked `PATCH /messages/:id/receipt`. */
export interface ReceiptBody {
  readonly conversationId: string | null;
  readonly status: MarkKind;
}

const mark = new PayloadShape(
  Type.Object(
    {
      message_id: messageId,
      seq: optional(positiveNumber, "must be the seq of a message"),
      conversation_id: conversationId,
    },
    strict,
  ),
);
const markUnread = new PayloadShape(
  Type.Object({ message_id: messageId, conversation_id: conversationId }, strict),
);
const markConversation = new PayloadShape(Type.Object({ conversation_id: conversationId }, strict));
const receipt = new PayloadShape(
  Type.Object(
    {
      status: Type.Union([Type.Literal("delivered"), Type.Literal("read")], {
        description: 'must be "delivered" or "read"',
      }),
      conversation_id: conversationId,
    },
    strict,
  ),
);

export function readMark(payload: unknown): MarkBody | Rejection {
  if (!mark.fits(payload)) return mark.refusal(payload);
  const body = {
    conversationId: idIn(payload.conversation_id),
    messageId: idIn(payload.message_id),
    seq: numberIn(payload.seq),
  };
  const namesTwice = body.messageId !== null && body.seq !== null;
  return namesTwice ? refusedField("seq", "must be left out beside message_id") : body;
}

export function readMarkUnread(payload: unknown): MarkUnreadBody | Rejection {
  if (!markUnread.fits(payload)) return markUnread.refusal(payload);
  return { conversationId: idIn(payload.conversation_id), messageId: idIn(payload.message_id) };
}

/** The whole conversation. */
export function readMarkConversation(payload: unknown): MarkBody | Rejection {
  if (!markConversation.fits(payload)) return markConversation.refusal(payload);
  return { conversationId: idIn(payload.conversation_id), messageId: null, seq: null };
}

export function readReceipt(payload: unknown): ReceiptBody | Rejection {
  if (!receipt.fits(payload)) return receipt.refusal(payload);
  return { conversationId: idIn(payload.conversation_id), status: payload.status };
}
