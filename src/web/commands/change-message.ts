import type { DeleteMessage } from "../../core/messages/delete.ts";
import type { EditMessage } from "../../core/messages/edit.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { readDeleteMessage } from "../payloads/delete-message.ts";
import { readEditMessage } from "../payloads/edit-message.ts";
import { conversationOf, type Entry, messageOf } from "./entry.ts";

export function editMessageCommand(payload: unknown, entry: Entry): EditMessage | Rejection {
  const body = readEditMessage(payload, entry.limits);
  if (isRejection(body)) return body;
  const target = targetOf(body, entry);
  if (isRejection(target)) return target;
  const { content, metadata, mentions } = body;
  const withinUs = entry.limits.editWindowMs * 1_000;
  return { type: "edit_message", ...target, content, metadata, mentions, withinUs };
}

export function deleteMessageCommand(payload: unknown, entry: Entry): DeleteMessage | Rejection {
  const body = readDeleteMessage(payload);
  if (isRejection(body)) return body;
  const target = targetOf(body, entry);
  if (isRejection(target)) return target;
  return { type: "delete_message", ...target, withinUs: entry.limits.deleteWindowMs * 1_000 };
}

type Target = Pick<EditMessage, "id" | "conversationId" | "senderId" | "messageId">;

function targetOf(
  named: { readonly conversationId: string | null; readonly messageId: string | null },
  entry: Entry,
): Target | Rejection {
  const conversationId = conversationOf(entry, named.conversationId);
  if (typeof conversationId !== "string") return conversationId;
  const messageId = messageOf(entry, named.messageId);
  if (typeof messageId !== "string") return messageId;
  return { id: entry.newId(), conversationId, senderId: entry.senderId, messageId };
}
