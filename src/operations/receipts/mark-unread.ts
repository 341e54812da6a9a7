import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import type { MarkAsUnread } from "../../core/private/mark-unread.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { type Asked, aboutMessage, conversationOf, messageOf, messageQuery } from "../asked.ts";
import { askedOnTopic } from "../command.ts";
import { conversationId, messageId } from "../fields.ts";
import type { Answer, Call, Operation } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import { sampleIds } from "../sample-ids.ts";
import type { Services } from "../services.ts";
import { closed, conversationIdField, messageIdField } from "../views/schemas.ts";

const payload = new PayloadShape({
  operation: "mark_unread",
  example: { message_id: sampleIds.message },
  schema: Type.Object({ message_id: messageId, conversation_id: conversationId }),
});

const status = Type.Literal("unread");

export const markUnread: Operation = {
  name: "mark_unread",
  summary: "Marks a message and all after it as unread, for yourself.",
  description: "Only your own devices learn of it.",
  costs: costs.mark,
  refuses: ["not_found"],
  rest: [
    {
      method: "POST",
      path: "/messages/:id/unread",
      query: messageQuery,
      body: null,
      replies: {
        200: {
          summary: "It is marked as unread.",
          data: closed({ message_id: messageIdField, conversation_id: conversationIdField, status }),
          meta: closed({}),
        },
      },
      answer,
    },
  ],
  channel: [
    {
      topic: "conversation",
      events: ["mark_unread"],
      payload,
      reply: closed({ status }),
      async receive(event, on, _charge, answer) {
        const marked = await marking(askedOnTopic("conversation", event), on);
        answer(isRejection(marked) ? marked : `{"status":"unread"}`);
      },
    },
  ],
};

/** The query names the conversation; there is no body. */
async function answer(call: Call, on: Services): Promise<Answer | Rejection> {
  const place = await aboutMessage(call, on);
  if (isRejection(place)) return place;
  const marked = await marking({ caller: call.caller, params: call.params, ...place, payload: {} }, on);
  if (isRejection(marked)) return marked;
  const { messageId, conversationId } = marked;
  const data = `{"message_id":"${messageId}","conversation_id":"${conversationId}","status":"unread"}`;
  return { status: 200, data };
}

async function marking(asked: Asked, on: Services): Promise<MarkAsUnread | Rejection> {
  const body = payload.parse(asked.payload, on.observer);
  if (isRejection(body)) return body;
  const conversationId = conversationOf(asked, body.conversation_id);
  if (isRejection(conversationId)) return conversationId;
  const messageId = messageOf(asked, body.message_id);
  if (isRejection(messageId)) return messageId;
  const command = { type: "mark_unread", userId: asked.caller.userId, conversationId, messageId } as const;
  const marked = await on.queries.markUnread(command);
  return isRejection(marked) ? marked : command;
}
