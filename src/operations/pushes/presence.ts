import { Type } from "@sinclair/typebox";
import type { Online } from "../../core/ports/presence.ts";
import type { TypingFrame } from "../../core/ports/pubsub.ts";
import { diffText, presenceDiffSchema, presencesSchema, presencesText } from "../views/presence.ts";
import { closed, conversationIdField, id } from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

export const presenceState = push({
  names: ["presence_state"],
  topics: everyTopic,
  summary: "Brings all users who are online, once after a join.",
  payload: presencesSchema,
  encode: (users: readonly Online[]) => presencesText(users),
});

export const presenceDiff = push({
  names: ["presence_diff"],
  topics: everyTopic,
  summary: "Tells who came online, changed their status or went offline.",
  payload: presenceDiffSchema,
  encode: (joins: readonly Online[], leaves: readonly Online[]) => diffText(joins, leaves),
});

export const userTyping = push({
  names: ["user_typing"],
  topics: ["conversation"],
  summary: "Tells that a member types, or stopped.",
  payload: closed({
    conversation_id: conversationIdField,
    user_id: id("Who types."),
    typing: Type.Boolean(),
  }),
  encode: ({ conversationId, userId, isTyping }: TypingFrame) =>
    `{"conversation_id":"${conversationId}","user_id":"${userId}","typing":${isTyping}}`,
});
