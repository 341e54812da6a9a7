import type { Message } from "../../core/messages/message.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { MessagePart } from "../../core/queries.ts";
import type { Rejection } from "../../core/rejection.ts";
import type { Entry } from "../commands/entry.ts";
import type { Queries } from "../domain.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { refusedField } from "../payloads/refused-field.ts";
import { readUuid, uuidOrUnknown } from "../uuid.ts";
import type { Call } from "./route.ts";

interface PlaceOptions extends BoundedReading {
  readonly newId: NewId;
}

/** What was sent to a conversation; null: to none, the body names it. */
export function atConversation(options: PlaceOptions, call: Call, conversationId: string | null): Entry {
  const { limits, observer, newId } = options;
  const { userId: senderId, deviceId } = call.identity;
  const deviceTag = deviceTagOf(deviceId);
  return { limits, observer, newId, senderId, deviceTag, conversationId, messageId: null };
}

/** What `atMessage` reads of a query. */
export const messageQuery = ["conversation_id"] as const;

/** What was sent to `/messages/:id`: the query may name the conversation. */
export function atMessage(options: PlaceOptions, call: Call): Entry | Rejection {
  const messageId = uuidOrUnknown(call.params.id, options.newId);
  const named = call.query.get("conversation_id");
  const conversationId = readUuid(named);
  if (named !== null && conversationId === null) return conversationUnreadable;
  return { ...atConversation(options, call, conversationId), messageId };
}

/** This part of the message of `/messages/:id`, with all its reactions if it is them. The same answer whether it does not exist or is not the viewer's to see. */
export function shownMessage(
  { queries, newId }: { readonly queries: Queries; readonly newId: NewId },
  call: Call,
  part: MessagePart,
): Promise<Message | Rejection> {
  const messageId = uuidOrUnknown(call.params.id, newId);
  return queries.message({ type: "show_message", viewerId: call.identity.userId, messageId, part });
}

const conversationUnreadable = refusedField("conversation_id", "must be the conversation's id");
