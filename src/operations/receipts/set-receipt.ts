import { Type } from "@sinclair/typebox";
import { noSuchConversation } from "../../core/access.ts";
import { costs } from "../../core/limits/costs.ts";
import { noSuchMessage } from "../../core/messages/edit.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { aboutMessage, lookedUpQuery, messageOfPath } from "../asked.ts";
import { conversationId } from "../fields.ts";
import type { Answer, Call, Operation } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import type { Services } from "../services.ts";
import { closed, messageIdField, oneOf, userIdField } from "../views/schemas.ts";
import { noteMark } from "./marking.ts";

const payload = new PayloadShape({
  operation: "receipt",
  example: { status: "read" },
  schema: Type.Object({
    status: Type.Union([Type.Literal("delivered"), Type.Literal("read")], {
      description: 'must be "delivered" or "read"',
    }),
    conversation_id: conversationId,
  }),
});

export const setReceipt: Operation = {
  name: "set_receipt",
  summary: "Marks every message up to this one as delivered to you, or as read.",
  costs: costs.mark,
  authorizedAs: ["mark"],
  refuses: ["not_found", "outcome_unknown"],
  rest: [
    {
      method: "PATCH",
      path: "/messages/:id/receipt",
      query: lookedUpQuery,
      body: { shapes: [payload], isOptional: false },
      replies: {
        200: {
          summary: "The mark is stored.",
          data: closed({
            message_id: messageIdField,
            user_id: userIdField,
            status: oneOf(["delivered", "read"]),
          }),
          meta: closed({}),
        },
      },
      answer,
    },
  ],
  channel: [],
};

/**
 * The message is looked up as its viewer sees it, whether the request names its conversation or not: a stranger is refused by what is read,
 * in the same time whether there is such a message or not, and not by a mark on its way to the store.
 */
async function answer(call: Call, on: Services): Promise<Answer | Rejection> {
  const place = await aboutMessage(call, on);
  if (isRejection(place)) return place;
  const read = await call.json();
  if (isRejection(read)) return read;
  const body = payload.parse(read.value, on.observer);
  if (isRejection(body)) return body;
  const message = await messageOfPath(call, on, "place");
  if (isRejection(message)) return message;
  const { conversationId, seq } = message;
  const named = [place.conversationId, body.conversation_id ?? null];
  if (named.some((each) => each !== null && each !== conversationId)) return noSuchMessage;
  const { userId } = call.caller;
  const mark = { type: "mark", conversationId, userId, kind: body.status, seq } as const;
  const noted = await noteMark(on.marks, mark, true);
  if (isRejection(noted)) return noted === noSuchConversation ? noSuchMessage : noted;
  const data = `{"message_id":"${message.id}","user_id":"${userId}","status":"${body.status}"}`;
  return { status: 200, data };
}
