import type { MessageChange } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { messageSchema } from "../views/message.ts";
import { closed, conversationIdField, revField } from "../views/schemas.ts";
import { everyTopic, push, type TextOf } from "./push.ts";

export const messageUpdated = push({
  names: ["message_updated", "message_edited"],
  topics: everyTopic,
  summary: "Brings a message that was edited, or that media were attached to, as it is now.",
  payload: closed({ message: messageSchema, conversation_id: conversationIdField, rev: revField }),
  encode: (_event: MessageChange, message: Message, textOf: TextOf) =>
    `{"message":${textOf(message)},"conversation_id":"${message.conversationId}","rev":${message.rev}}`,
});
