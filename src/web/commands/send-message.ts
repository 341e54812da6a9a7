import type { SendMessage } from "../../core/messages/send.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { readSendMessage } from "../payloads/send-message.ts";
import { conversationOf, type Entry } from "./entry.ts";

export function sendMessageCommand(payload: unknown, entry: Entry): SendMessage | Rejection {
  const body = readSendMessage(payload, entry);
  if (isRejection(body)) return body;
  const conversationId = conversationOf(entry, body.conversationId);
  if (typeof conversationId !== "string") return conversationId;
  return {
    type: "send_message",
    id: entry.newId(),
    conversationId,
    senderId: entry.senderId,
    deviceTag: entry.deviceTag,
    messageType: body.messageType,
    content: body.content,
    metadata: body.metadata,
    clientRandom: body.clientRandom,
    replyToId: body.replyToId,
    attachments: body.attachments?.map((each) => ({ id: entry.newId(), ...each })) ?? null,
    mentions: body.mentions,
  };
}
