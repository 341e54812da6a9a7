import type { SendMessage } from "../core/messages/send.ts";
import type { NewId } from "../core/ports/ids.ts";
import type { Rejection } from "../core/rejection.ts";
import { type Payloads, refusedConversation } from "./payloads.ts";

/** A checked payload as a command. The sender is who the token names; the conversation is where it was sent to. */
export function sendMessageCommand(
  payload: unknown,
  entered: {
    readonly payloads: Payloads;
    readonly newId: NewId;
    readonly senderId: string;
    /** Null: the payload must name it itself. */
    readonly conversationId: string | null;
  },
): SendMessage | Rejection {
  const body = entered.payloads.sendMessage(payload);
  if (body.type === "rejection") return body;
  const conversationId = entered.conversationId ?? body.conversationId;
  if (!conversationId || (body.conversationId ?? conversationId) !== conversationId) {
    return refusedConversation();
  }
  return {
    type: "send_message",
    id: entered.newId(),
    conversationId,
    senderId: entered.senderId,
    messageType: body.messageType,
    content: body.content,
    metadata: body.metadata,
    clientRandom: body.clientRandom,
  };
}
