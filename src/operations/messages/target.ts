import type { EditMessage } from "../../core/messages/edit.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { type Asked, conversationOf, messageOf } from "../asked.ts";
import type { Services } from "../services.ts";

/** The fields that every command about a stored message has. */
export type Target = Pick<EditMessage, "id" | "conversationId" | "senderId" | "messageId">;

export function targetOf(
  named: { readonly conversation_id?: string | null; readonly message_id?: string | null },
  asked: Asked,
  { newId }: Pick<Services, "newId">,
): Target | Rejection {
  const conversationId = conversationOf(asked, named.conversation_id);
  if (isRejection(conversationId)) return conversationId;
  const messageId = messageOf(asked, named.message_id);
  if (isRejection(messageId)) return messageId;
  return { id: newId(), conversationId, senderId: asked.caller.userId, messageId };
}
