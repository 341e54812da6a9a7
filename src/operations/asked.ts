import { noSuchConversation } from "../core/access.ts";
import type { Message } from "../core/messages/message.ts";
import type { MessagePart } from "../core/queries.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import type { Caller } from "./caller.ts";
import type { Call } from "./operation.ts";
import { id, type QueryFields, readQuery } from "./query-fields.ts";
import { refusedField } from "./refused-field.ts";
import type { Services } from "./services.ts";
import { readUuid, uuidOrUnknown } from "./uuid.ts";

/** A request for an operation, the same from REST and from a channel. */
export interface Asked {
  /** Commands take their sender from here, never from the payload. */
  readonly caller: Caller;
  /** From the topic, the path or the query. Null: the payload must name it. */
  readonly conversationId: string | null;
  /** From the path. Null: the payload must name it. */
  readonly messageId: string | null;
  /** The parameters of the path, unchecked. */
  readonly params: Readonly<Record<string, string | null>>;
  readonly payload: unknown;
}

/** The place that a request over REST names, without its payload. */
export type Place = Pick<Asked, "conversationId" | "messageId">;
export type PlaceOf = (call: Call, on: Services) => Place | Rejection | Promise<Place | Rejection>;

const nowhere: Place = { conversationId: null, messageId: null };

/** The payload names the conversation. */
export const anywhere: PlaceOf = () => nowhere;

/** `/conversations/:id`: an id that is malformed gets the answer of one that does not exist. */
export const inConversation: PlaceOf = ({ params }) => {
  const conversationId = readUuid(params.id);
  return conversationId === null ? noSuchConversation : { conversationId, messageId: null };
};

/** The query of a request to `/messages/:id`. */
export const messageQuery = {
  conversation_id: id(
    "The conversation of the message. Required, here or in the body.",
    "must be the conversation's id",
  ),
} as const satisfies QueryFields;

/** The query of a request for which the conversation is looked up. */
export const lookedUpQuery = {
  conversation_id: id(
    "The conversation of the message. Naming it saves a look-up.",
    "must be the conversation's id",
  ),
} as const satisfies QueryFields;

/** `/messages/:id`, whose query may name the conversation. */
export const aboutMessage: PlaceOf = ({ params, query }, { newId }) => {
  const read = readQuery(messageQuery, query);
  if (isRejection(read)) return read;
  return { conversationId: read.conversation_id, messageId: uuidOrUnknown(params.id, newId) };
};

/** As `aboutMessage`; where the query names no conversation, it is looked up, as the caller sees it. */
export const aboutMessageLookedUp: PlaceOf = async (call, on) => {
  const place = await aboutMessage(call, on);
  if (isRejection(place) || place.conversationId !== null) return place;
  const message = await messageOfPath(call, on, "place");
  return isRejection(message) ? message : { ...place, conversationId: message.conversationId };
};

/** Reads this part of the message of `/messages/:id`. One that the caller may not see is refused like one that does not exist. */
export function messageOfPath(
  { params, caller }: Call,
  { queries, newId }: Services,
  part: MessagePart,
): Promise<Message | Rejection> {
  const messageId = uuidOrUnknown(params.id, newId);
  return queries.message({ type: "show_message", viewerId: caller.userId, messageId, part });
}

/** Returns the conversation that the place or the payload names. Both may name it, if they name the same. */
export function conversationOf(
  { conversationId }: Pick<Asked, "conversationId">,
  named: string | null | undefined,
): string | Rejection {
  const id = conversationId ?? named;
  if (id == null) return conversationMissing;
  return (named ?? id) === id ? id : otherConversation;
}

/** Returns the message that the path or the payload names, like `conversationOf`. */
export function messageOf(
  { messageId }: Pick<Asked, "messageId">,
  named: string | null | undefined,
): string | Rejection {
  const id = messageId ?? named;
  if (id == null) return messageMissing;
  return (named ?? id) === id ? id : otherMessage;
}

const conversationMissing = refusedField("conversation_id", "is required: must be the conversation's id");
const otherConversation = refusedField(
  "conversation_id",
  "must be the conversation that this was sent to, or left out",
);
const messageMissing = refusedField("message_id", "is required: must be the id of a message");
const otherMessage = refusedField("message_id", "must be the message of the path, or left out");

/** Returns the fields that every command has, if only its path or topic names the conversation. */
export function ownOf(
  asked: Asked,
  { newId }: Pick<Services, "newId">,
): { readonly id: string; readonly conversationId: string; readonly senderId: string } | Rejection {
  const conversationId = conversationOf(asked, null);
  if (isRejection(conversationId)) return conversationId;
  return { id: newId(), conversationId, senderId: asked.caller.userId };
}
