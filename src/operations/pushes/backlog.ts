import { Type } from "@sinclair/typebox";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { Position } from "../../core/ports/sync-reads.ts";
import { messageSchema, seenTexts } from "../views/message.ts";
import { closed, conversationIdField, count } from "../views/schemas.ts";
import { push } from "./push.ts";

export const pendingMessages = push({
  names: ["pending_messages"],
  topics: ["user"],
  summary: "Brings a page of the messages that this device has not confirmed.",
  payload: closed({ messages: Type.Array(messageSchema) }),
  encode: (messages: readonly SeenMessage[]) => `{"messages":${seenTexts(messages)}}`,
});

export const cursorExpired = push({
  names: ["cursor_expired"],
  topics: ["user"],
  summary:
    "Tells that this device's place in a conversation cannot be resumed from: read the conversation afresh.",
  payload: closed({
    conversation_id: conversationIdField,
    head_seq: count("The seq of its newest message."),
    head_rev: count("Its newest revision."),
  }),
  encode: ({ conversationId, seq, rev }: Position) =>
    `{"conversation_id":"${conversationId}","head_seq":${seq},"head_rev":${rev}}`,
});

export const caughtUp = push({
  names: ["caught_up"],
  topics: ["user"],
  summary: "Tells that this device has everything; what follows is live.",
  payload: closed({}),
  encode: () => "{}",
});
