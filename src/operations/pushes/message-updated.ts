import type { Message } from "../../core/messages/message.ts";
import { messageSchema } from "../views/message.ts";
import { closed, conversationIdField, revField } from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

export const messageUpdated = push({
  names: ["message_updated", "message_edited"],
  topics: everyTopic,
  summary: "Brings a message that was edited, or that media were attached to, as it is now.",
  payload: closed({ message: messageSchema, conversation_id: conversationIdField, rev: revField }),
  /** `encoded`: the message's text. */
  encode: ({ conversationId, rev }: Pick<Message, "conversationId" | "rev">, encoded: string) =>
    `{"message":${encoded},"conversation_id":"${conversationId}","rev":${rev}}`,
});
