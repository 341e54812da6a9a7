import { Type } from "@sinclair/typebox";
import type { MarkKind } from "../../core/messages/marks.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { numberIn, positiveNumber } from "../whole-number.ts";
import { conversationId, messageId, optional } from "./fields.ts";
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

const mark = new PayloadShape({
  operation: "mark",
  schema: Type.Object({
    message_id: messageId,
    seq: optional(positiveNumber, "must be the seq of a message"),
    conversation_id: conversationId,
  }),
});
const markUnread = new PayloadShape({
  operation: "mark_unread",
  schema: Type.Object({ message_id: messageId, conversation_id: conversationId }),
});
const markConversation = new PayloadShape({
  operation: "mark_conversation_read",
  schema: Type.Object({ conversation_id: conversationId }),
});
const receipt = new PayloadShape({
  operation: "receipt",
  schema: Type.Object({
    status: Type.Union([Type.Literal("delivered"), Type.Literal("read")], {
      description: 'must be "delivered" or "read"',
    }),
    conversation_id: conversationId,
  }),
});

export function readMark(payload: unknown, reading: Reading): MarkBody | Rejection {
  const body = mark.read(payload, reading);
  if (!body) return mark.refusal(payload);
  const { conversation_id: conversationId = null, message_id: messageId = null } = body;
  const seq = numberIn(body.seq);
  const namesTwice = messageId !== null && seq !== null;
  if (namesTwice) return refusedField("seq", "must be left out beside message_id");
  return { conversationId, messageId, seq };
}

export function readMarkUnread(payload: unknown, reading: Reading): MarkUnreadBody | Rejection {
  const body = markUnread.read(payload, reading);
  if (!body) return markUnread.refusal(payload);
  return { conversationId: body.conversation_id ?? null, messageId: body.message_id ?? null };
}

/** The whole conversation. */
export function readMarkConversation(payload: unknown, reading: Reading): MarkBody | Rejection {
  const body = markConversation.read(payload, reading);
  if (!body) return markConversation.refusal(payload);
  return { conversationId: body.conversation_id ?? null, messageId: null, seq: null };
}

export function readReceipt(payload: unknown, reading: Reading): ReceiptBody | Rejection {
  const body = receipt.read(payload, reading);
  if (!body) return receipt.refusal(payload);
  return { conversationId: body.conversation_id ?? null, status: body.status };
}
