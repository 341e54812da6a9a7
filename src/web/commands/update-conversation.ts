import type { UpdateConversation } from "../../core/conversations/update.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { readUpdateConversation } from "../payloads/update-conversation.ts";
import { conversationOf, type Entry } from "./entry.ts";

export function updateConversationCommand(payload: unknown, entry: Entry): UpdateConversation | Rejection {
  const { limits, newId, senderId } = entry;
  const body = readUpdateConversation(payload, entry);
  if (isRejection(body)) return body;
  const conversationId = conversationOf(entry, body.conversationId);
  if (typeof conversationId !== "string") return conversationId;
  return {
    type: "update_conversation",
    id: newId(),
    conversationId,
    senderId,
    metadata: body.metadata,
    maxMetadataBytes: limits.maxMetadataBytes,
  };
}
