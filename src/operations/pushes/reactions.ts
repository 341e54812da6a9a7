import { Type } from "@sinclair/typebox";
import type { ReactionChanged } from "../../core/messages/message.ts";
import { closed, conversationIdField, id, messageIdField, revField, seqField } from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

const common = {
  topics: everyTopic,
  payload: closed({
    conversation_id: conversationIdField,
    rev: revField,
    message_id: messageIdField,
    seq: seqField,
    user_id: id("Whose reaction it is."),
    reaction: Type.String(),
  }),
  encode: ({ conversationId, rev, message, reaction }: ReactionChanged) =>
    `{"conversation_id":"${conversationId}","rev":${rev},"message_id":"${message.id}","seq":${message.seq},` +
    `"user_id":"${reaction.userId}","reaction":${JSON.stringify(reaction.reaction)}}`,
};

export const reactionAdded = push({
  ...common,
  names: ["reaction_added"],
  summary: "Tells that a user reacted to a message.",
});

export const reactionRemoved = push({
  ...common,
  names: ["reaction_removed"],
  summary: "Tells that a user removed their reaction from a message.",
});
