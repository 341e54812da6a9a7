import { type Static, Type } from "@sinclair/typebox";
import { maxAttachments } from "../../core/messages/attachment.ts";
import type { MessageType } from "../../core/messages/message.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { contentProblem, metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import { type AttachmentBody, attachmentsAllowed, readAttachments } from "./attach-media.ts";
import {
  clientRandom,
  clientRandomAllowed,
  clientRandomIn,
  content,
  conversationId,
  elsewhere,
  ignored,
  later,
  mentionsSomebody,
  metadata,
  optional,
  uuid,
} from "./fields.ts";
import type { BoundedReading } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `new_message`. `metadata` is JSON text of an object. */
export interface SendMessageBody {
  /** Null: the body names no conversation. */
  readonly conversationId: string | null;
  readonly messageType: MessageType;
  readonly content: string;
  readonly metadata: string;
  readonly clientRandom: number | null;
  readonly replyToId: string | null;
  /** Null: none. */
  readonly attachments: readonly AttachmentBody[] | null;
  /** Whether the metadata names users who are mentioned. */
  readonly mentions: boolean;
}

const schema = Type.Object({
  content,
  message_type: optional(
    Type.Union([Type.Literal("text"), Type.Literal("media")]),
    'must be "text" or "media"; system messages are made by the server only',
  ),
  client_random: clientRandom,
  metadata,
  conversation_id: conversationId,
  sender_id: ignored,
  user_id: ignored,
  reply_to_id: optional(uuid, "must be the id of the message that this one answers"),
  attachments: optional(Type.Array(Type.Unknown(), { maxItems: maxAttachments }), attachmentsAllowed),
  signature: later("signatures"),
  sender_public_key: later("signatures"),
  media_id: elsewhere("media are named in attachments"),
  ttl_seconds: later("ephemeral messages"),
});
const shape = new PayloadShape({ operation: "send_message", nestedIn: "message", schema });

export function readSendMessage(payload: unknown, reading: BoundedReading): SendMessageBody | Rejection {
  const { limits } = reading;
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  const messageType = body.message_type ?? "text";
  // Media speak for themselves.
  const isBare = messageType === "media" && body.content === "";
  const problem = isBare ? null : contentProblem(body.content, limits.maxContentBytes);
  if (problem) return refusedField("content", problem.problem);
  const text = body.metadata ? metadataText(body.metadata, limits.maxMetadataBytes) : "{}";
  if (typeof text !== "string") return refusedField("metadata", text.problem);
  const attachments = readAttachments(body.attachments ?? [], reading);
  if (isRejection(attachments)) return attachments;
  if (attachments.length > 0 && messageType !== "media") return refusedField("attachments", onlyMedia);
  return bodyOf(body, text, attachments);
}

function bodyOf(
  payload: Static<typeof schema>,
  text: string,
  attachments: readonly AttachmentBody[],
): SendMessageBody | Rejection {
  const random = clientRandomIn(payload.client_random);
  if (random === undefined) return refusedField("client_random", clientRandomAllowed);
  return {
    conversationId: payload.conversation_id ?? null,
    messageType: payload.message_type ?? "text",
    content: payload.content,
    metadata: text,
    clientRandom: random,
    replyToId: payload.reply_to_id ?? null,
    attachments: attachments.length > 0 ? attachments : null,
    mentions: mentionsSomebody(payload.metadata),
  };
}

const onlyMedia = 'must be left out, or message_type must be "media"';
