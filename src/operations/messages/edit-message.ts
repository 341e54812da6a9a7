import { type Static, Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import type { EditMessage } from "../../core/messages/edit.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { type Asked, aboutMessage, messageQuery } from "../asked.ts";
import { command } from "../command.ts";
import { content, conversationId, later, mentionsSomebody, messageId, metadata } from "../fields.ts";
import { contentRefusal, metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import { sampleIds } from "../sample-ids.ts";
import type { Services } from "../services.ts";
import { messageAfter } from "../settled-message.ts";
import { optionalInstant } from "../views/instant.ts";
import { messageSchema } from "../views/message.ts";
import { closed, instant, nullable } from "../views/schemas.ts";
import { messageReply, messageReplySchema } from "./message-reply.ts";
import { targetOf } from "./target.ts";

const schema = Type.Object({
  content,
  metadata,
  message_id: messageId,
  conversation_id: conversationId,
  signature: later("signatures"),
  sender_public_key: later("signatures"),
});

export const editMessage = command<typeof schema, EditMessage>({
  name: "edit_message",
  summary: "Replaces the content of your own message while its edit window is open.",
  description: "The metadata stays as it was where none is given.",
  costs: costs.message,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({
    operation: "edit_message",
    nestedIn: "message",
    schema,
    example: { content: "Hello Bob!", message_id: sampleIds.message },
  }),
  toCommand,
  rest: [
    {
      method: "PUT",
      path: "/messages/:id",
      at: aboutMessage,
      query: messageQuery,
      replies: {
        200: {
          summary: "The message as it is now.",
          data: messageSchema,
          meta: closed({ edited: Type.Literal(true), edited_at: nullable(instant("When it was edited.")) }),
        },
      },
      answer(settled, _command, { texts }) {
        const message = messageAfter(settled);
        const meta = `{"edited":true,"edited_at":${optionalInstant(message.editedAtUs)}}`;
        return { status: 200, data: texts.of(message), meta };
      },
    },
  ],
  channel: {
    topic: "conversation",
    events: ["edit_message"],
    frame: "content",
    replySchema: messageReplySchema,
    reply: messageReply,
  },
});

function toCommand(body: Static<typeof schema>, asked: Asked, on: Services): EditMessage | Rejection {
  const { limits } = on;
  const refusal = contentRefusal(body.content, limits.maxContentBytes);
  if (refusal) return refusal;
  const text = body.metadata ? metadataText(body.metadata, limits.maxMetadataBytes) : null;
  if (isRejection(text)) return text;
  const target = targetOf(body, asked, on);
  if (isRejection(target)) return target;
  return {
    type: "edit_message",
    ...target,
    content: body.content,
    metadata: text,
    mentions: mentionsSomebody(body.metadata),
    withinUs: limits.editWindowMs * 1_000,
  };
}
