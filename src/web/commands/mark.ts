import type { MarkAsUnread, MarkKind, MarkMember } from "../../core/messages/marks.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Marks } from "../domain.ts";
import { type MarkBody, readMark, readMarkConversation, readMarkUnread } from "../payloads/mark.ts";
import { refusedField } from "../payloads/refused-field.ts";
import { conversationOf, type Entry, messageOf } from "./entry.ts";

/** A mark up to a message of which only the id is known. */
export interface MarkMessage extends Omit<MarkMember, "type" | "seq"> {
  readonly type: "mark_message";
  readonly messageId: string;
}

/** A receipt of everything up to the message that the payload, or the place, names. */
export function markCommand(
  payload: unknown,
  kind: MarkKind,
  entry: Entry,
): MarkMember | MarkMessage | Rejection {
  const body = readMark(payload, entry);
  if (isRejection(body)) return body;
  if (body.messageId === null && body.seq === null) return targetMissing;
  return markOf(body, kind, entry);
}

/** As `markCommand`, but a payload that names no message reads the whole conversation. */
export function markReadCommand(payload: unknown, entry: Entry): MarkMember | MarkMessage | Rejection {
  const body = readMark(payload, entry);
  return isRejection(body) ? body : markOf(body, "read", entry);
}

export function markConversationReadCommand(
  payload: unknown,
  entry: Entry,
): MarkMember | MarkMessage | Rejection {
  const body = readMarkConversation(payload, entry);
  return isRejection(body) ? body : markOf(body, "read", entry);
}

export function markUnreadCommand(payload: unknown, entry: Entry): MarkAsUnread | Rejection {
  const body = readMarkUnread(payload, entry);
  if (isRejection(body)) return body;
  const conversationId = conversationOf(entry, body.conversationId);
  if (typeof conversationId !== "string") return conversationId;
  const messageId = messageOf(entry, body.messageId);
  if (typeof messageId !== "string") return messageId;
  return { type: "mark_unread", userId: entry.senderId, conversationId, messageId };
}

/** Resolves when the mark is durable, within about a second, or with its refusal. `newlyRead`: messages of others, by this mark. `isMember`: it is known that its user is a member. */
export async function noteMark(
  marks: Marks,
  command: MarkMember | MarkMessage,
  isMember: boolean,
): Promise<{ readonly newlyRead: number } | Rejection> {
  const { promise, resolve } = Promise.withResolvers<{ readonly newlyRead: number } | Rejection>();
  const answer = (refusal: Rejection | null, newlyRead = 0) => resolve(refusal ?? { newlyRead });
  if (command.type === "mark_message") await marks.noteMessage(command, answer);
  else if (isMember) marks.note(command, answer);
  else await marks.noteIfMember(command, answer);
  return promise;
}

function markOf(body: MarkBody, kind: MarkKind, entry: Entry): MarkMember | MarkMessage | Rejection {
  const conversationId = conversationOf(entry, body.conversationId);
  if (typeof conversationId !== "string") return conversationId;
  const { messageId } = body;
  const userId = entry.senderId;
  if (messageId !== null) return { type: "mark_message", conversationId, userId, kind, messageId };
  return { type: "mark", conversationId, userId, kind, seq: body.seq ?? wholeConversation };
}

/** Marks move at most to the head. */
const wholeConversation = Number.MAX_SAFE_INTEGER;

const targetMissing = refusedField("message_id", "is required: must be the id of a message, or seq its seq");
