import { Type } from "@sinclair/typebox";
import type { ConversationChanged } from "../../core/conversations/conversation-changed.ts";
import { bareConversationSchema, bareConversationText } from "../views/conversation.ts";
import { closed, conversationIdField, id, revField } from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

export const conversationCreated = push({
  names: ["conversation_created"],
  topics: ["user"],
  summary: "Tells that there is a new conversation with you in it.",
  payload: closed({ conversation_id: conversationIdField, rev: revField }),
  encode: (conversationId: string) => `{"conversation_id":"${conversationId}","rev":0}`,
});

export const conversationUpdated = push({
  names: ["conversation_updated"],
  topics: everyTopic,
  summary: "Brings a conversation whose name, metadata or settings changed, as it is now.",
  payload: closed({
    conversation_id: conversationIdField,
    rev: revField,
    actor_id: Type.Optional(id("Who changed it, where that is known.")),
    changed: Type.Optional(
      Type.Array(Type.String(), { description: "The names that changed, where they are known." }),
    ),
    conversation: bareConversationSchema,
  }),
  encode: ({ conversationId, rev, conversation, change }: ConversationChanged) => {
    const who = change ? `"actor_id":"${change.actorId}","changed":${JSON.stringify(change.names)},` : "";
    return `{"conversation_id":"${conversationId}","rev":${rev},${who}"conversation":${bareConversationText(conversation)}}`;
  },
});

export const conversationChanged = push({
  names: ["conversation_changed"],
  topics: everyTopic,
  summary: "Brings only the number of a revision whose change you do not see, so that you see no gap.",
  payload: closed({ conversation_id: conversationIdField, rev: revField }),
  encode: ({ conversationId, rev }: { readonly conversationId: string; readonly rev: number }) =>
    `{"conversation_id":"${conversationId}","rev":${rev}}`,
});
