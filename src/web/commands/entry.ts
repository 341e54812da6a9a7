import type { NewId } from "../../core/ports/ids.ts";
import type { Rejection } from "../../core/rejection.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { refusedField } from "../payloads/refused-field.ts";

/** Where a payload came in. Commands take their sender from here, and what they are about if the place names it already. */
export interface Entry extends BoundedReading {
  readonly newId: NewId;
  /** Who the token names. */
  readonly senderId: string;
  /** Of the token's device, from `deviceTagOf`. */
  readonly deviceTag: number;
  /** Null: the payload must name it itself. */
  readonly conversationId: string | null;
  /** Null: the payload must name it itself. */
  readonly messageId: string | null;
}

/** The conversation of the place, or of the payload; both may name it, but not different ones. */
export function conversationOf({ conversationId }: Entry, named: string | null): string | Rejection {
  return conversationNamed(conversationId, named);
}

export function conversationNamed(place: string | null, named: string | null): string | Rejection {
  const conversationId = place ?? named;
  if (conversationId === null) return conversationMissing;
  return (named ?? conversationId) === conversationId ? conversationId : otherConversation;
}

export function messageOf(entry: Entry, named: string | null): string | Rejection {
  const messageId = entry.messageId ?? named;
  if (messageId === null) return messageMissing;
  return (named ?? messageId) === messageId ? messageId : otherMessage;
}

const conversationMissing = refusedField("conversation_id", "is required: must be the conversation's id");
const otherConversation = refusedField(
  "conversation_id",
  "must be the conversation that this was sent to, or left out",
);
const messageMissing = refusedField("message_id", "is required: must be the id of a message");
const otherMessage = refusedField("message_id", "must be the message of the path, or left out");
