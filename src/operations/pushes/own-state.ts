import type { OwnFrame } from "../../core/ports/pubsub.ts";
import type { UnreadChanged } from "../../core/private/own-change.ts";
import { closed, conversationIdField, count, id, nullable } from "../views/schemas.ts";
import { push } from "./push.ts";

const common = {
  topics: ["user"],
  payload: closed({
    message_id: nullable(id(), "The first unread message; null: nothing is marked as unread any more."),
    conversation_id: conversationIdField,
    own_rev: count("The revision of your private state."),
  }),
  encode: ({ conversationId, ownRev }: OwnFrame, { from }: UnreadChanged) =>
    `{"message_id":${from ? `"${from.messageId}"` : "null"},"conversation_id":"${conversationId}","own_rev":${ownRev}}`,
} as const;

export const messageUnread = push({
  ...common,
  names: ["message_unread"],
  summary: "Tells your devices that you marked a message as unread.",
});

export const conversationRead = push({
  ...common,
  names: ["conversation_read"],
  summary: "Tells your devices that a conversation is no longer marked as unread.",
});
