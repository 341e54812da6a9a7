import { closed, conversationIdField, id, revField, userIdField } from "../views/schemas.ts";
import type { MembersChanged } from "./members-updated.ts";
import { everyTopic, push } from "./push.ts";

export const conversationRequest = push({
  names: ["conversation_request"],
  topics: ["user"],
  summary: "Asks you whether you accept a conversation that another user began with you.",
  payload: closed({ conversation_id: conversationIdField, actor_id: id("Who began it, or added you.") }),
  encode: (conversationId: string, actorId: string) =>
    `{"conversation_id":"${conversationId}","actor_id":"${actorId}"}`,
});

const answered = {
  topics: everyTopic,
  payload: closed({ conversation_id: conversationIdField, rev: revField, user_id: userIdField }),
  encode: ([{ conversationId, rev, member }]: MembersChanged) =>
    `{"conversation_id":"${conversationId}","rev":${rev},"user_id":"${member.userId}"}`,
};

export const requestAccepted = push({
  ...answered,
  names: ["conversation_request_accepted"],
  summary: "Tells that a user accepted the conversation.",
});

export const requestDeclined = push({
  ...answered,
  names: ["conversation_request_declined"],
  summary: "Tells that a user declined the conversation.",
});
