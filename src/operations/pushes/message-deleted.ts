import { Type } from "@sinclair/typebox";
import type { MessageChange } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { messageSchema } from "../views/message.ts";
import { closed, conversationIdField, messageIdField, revField, seqField } from "../views/schemas.ts";
import { everyTopic, push, type TextOf } from "./push.ts";

export const messageDeleted = push({
  names: ["message_deleted"],
  topics: everyTopic,
  summary: "Tells that a message was deleted for everyone, with the tombstone that takes its place.",
  payload: closed({
    id: messageIdField,
    message_id: messageIdField,
    conversation_id: conversationIdField,
    seq: seqField,
    rev: revField,
    delete_for_everyone: Type.Literal(true),
    message: messageSchema,
  }),
  encode: (_event: MessageChange, message: Message, textOf: TextOf) => {
    const { id, conversationId, seq, rev } = message;
    return (
      `{"id":"${id}","message_id":"${id}","conversation_id":"${conversationId}",` +
      `"seq":${seq},"rev":${rev},"delete_for_everyone":true,"message":${textOf(message)}}`
    );
  },
});
