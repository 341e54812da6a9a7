import { Type } from "@sinclair/typebox";
import type { UpdateConversation } from "../../core/conversations/update.ts";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { conversationOf, inConversation } from "../asked.ts";
import { command } from "../command.ts";
import { conversationId, metadata, optional, settingsElsewhere } from "../fields.ts";
import { PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import { bareConversationSchema, bareConversationText } from "../views/conversation.ts";
import { closed } from "../views/schemas.ts";
import { nameAllowed, namedMetadata } from "./conversation-metadata.ts";
import { shown, shownDoc } from "./shown.ts";

const schema = Type.Object({
  name: optional(Type.String(), nameAllowed),
  metadata,
  conversation_id: conversationId,
  group_settings: settingsElsewhere,
});

export const updateConversation = command<typeof schema, UpdateConversation>({
  name: "update_conversation",
  summary: "Changes the name, the metadata or the group settings of a conversation.",
  description:
    "Each name of the metadata that is given takes the place of what has this name; of metadata.group_settings, each setting by itself. Null " +
    "removes a name, and gives a setting its default.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({
    operation: "update_conversation",
    nestedIn: "conversation",
    schema,
    example: { name: "Old friends", metadata: { group_settings: { message_permission: "admins_only" } } },
  }),
  toCommand(body, asked, { limits, newId }) {
    if (body.name == null && body.metadata == null) return nothingToChange;
    const named = namedMetadata(body, limits.maxMetadataBytes);
    if (isRejection(named)) return named;
    const conversationId = conversationOf(asked, body.conversation_id);
    if (isRejection(conversationId)) return conversationId;
    return {
      type: "update_conversation",
      id: newId(),
      conversationId,
      senderId: asked.caller.userId,
      metadata: named.text,
      maxMetadataBytes: limits.maxMetadataBytes,
    };
  },
  rest: [
    {
      method: "PUT",
      path: "/conversations/:id",
      at: inConversation,
      replies: { 200: shownDoc("The conversation as it is now.") },
      answer: (_settled, { senderId, conversationId }, on) => shown(on, senderId, conversationId),
    },
  ],
  channel: {
    topic: "conversation",
    events: ["update_conversation"],
    frame: "metadata",
    replySchema: closed({ conversation: bareConversationSchema }),
    async replyLater({ senderId: viewerId, conversationId }, { queries }) {
      const found = await queries.show({ type: "show_conversation", viewerId, conversationId });
      return isRejection(found) ? found : `{"conversation":${bareConversationText(found.conversation)}}`;
    },
  },
});

const nothingToChange = refusedField("metadata", "is required: must be an object; or name, a text");
