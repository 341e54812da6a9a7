import type { AttachMedia } from "../../core/messages/attach.ts";
import type { DeleteMessage } from "../../core/messages/delete.ts";
import type { EditMessage } from "../../core/messages/edit.ts";
import type { AddReaction, RemoveReaction } from "../../core/messages/react.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { readAttachMedia } from "../payloads/attach-media.ts";
import { readDeleteMessage } from "../payloads/delete-message.ts";
import { readEditMessage } from "../payloads/edit-message.ts";
import { type ReactBody, readReact, readUnreact } from "../payloads/react.ts";
import { conversationOf, type Entry, messageOf } from "./entry.ts";

export function editMessageCommand(payload: unknown, entry: Entry): EditMessage | Rejection {
  const body = readEditMessage(payload, entry);
  if (isRejection(body)) return body;
  const target = targetOf(body, entry);
  if (isRejection(target)) return target;
  const { content, metadata, mentions } = body;
  const withinUs = entry.limits.editWindowMs * 1_000;
  return { type: "edit_message", ...target, content, metadata, mentions, withinUs };
}

export function deleteMessageCommand(payload: unknown, entry: Entry): DeleteMessage | Rejection {
  const body = readDeleteMessage(payload, entry);
  if (isRejection(body)) return body;
  const target = targetOf(body, entry);
  if (isRejection(target)) return target;
  return { type: "delete_message", ...target, withinUs: entry.limits.deleteWindowMs * 1_000 };
}

export function attachMediaCommand(payload: unknown, entry: Entry): AttachMedia | Rejection {
  const body = readAttachMedia(payload, entry);
  if (isRejection(body)) return body;
  const target = targetOf(body, entry);
  if (isRejection(target)) return target;
  const attachment = { id: entry.newId(), ...body.attachment };
  return { type: "attach_media", ...target, attachment, withinUs: entry.limits.editWindowMs * 1_000 };
}

export function addReactionCommand(payload: unknown, entry: Entry): AddReaction | Rejection {
  return reactionCommand("add_reaction", readReact(payload, entry), entry);
}

export function removeReactionCommand(payload: unknown, entry: Entry): RemoveReaction | Rejection {
  return reactionCommand("remove_reaction", readUnreact(payload, entry), entry);
}

function reactionCommand<Type extends (AddReaction | RemoveReaction)["type"]>(
  type: Type,
  body: ReactBody | Rejection,
  entry: Entry,
) {
  if (isRejection(body)) return body;
  const target = targetOf(body, entry);
  if (isRejection(target)) return target;
  return { type, ...target, reaction: body.reaction };
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
