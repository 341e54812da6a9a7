import { type Static, Type } from "@sinclair/typebox";
import type { MessageType } from "../../core/messages/message.ts";
import type { Rejection } from "../../core/rejection.ts";
import { contentProblem, metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import {
  content,
  conversationId,
  idIn,
  ignored,
  later,
  mentionsSomebody,
  metadata,
  optional,
  strict,
} from "./fields.ts";
import type { PayloadLimits } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `new_message`. `metadata` is JSON text of an object. */
export interface SendMessageBody {
  /** Null: the body names no conversation. */
  readonly conversationId: string | null;
  readonly messageType: MessageType;
  readonly content: string;
  readonly metadata: string;
  readonly clientRandom: number | null;
  /** Whether the metadata names users who are mentioned. */
  readonly mentions: boolean;
}

const maxUint32 = 0xffff_ffff;
const uint32 = Type.Union([
  Type.Integer({ minimum: 0, maximum: maxUint32 }),
  Type.String({ pattern: "^[0-9]{1,10}$" }),
]);
const clientRandomAllowed = `must be an integer from 0 to ${maxUint32}, as a number or a decimal string`;

const schema = Type.Object(
  {
    content,
    message_type: optional(
      Type.Literal("text"),
      'must be "text"; media messages come with a later version, system messages are made by the server only',
    ),
    client_random: optional(uint32, clientRandomAllowed),
    metadata,
    conversation_id: conversationId,
    sender_id: ignored,
    user_id: ignored,
    reply_to_id: later("replies"),
    signature: later("signatures"),
    sender_public_key: later("signatures"),
    media_id: later("media messages"),
    ttl_seconds: later("ephemeral messages"),
  },
  strict,
);
const shape = new PayloadShape(schema);

export function readSendMessage(payload: unknown, limits: PayloadLimits): SendMessageBody | Rejection {
  if (!shape.fits(payload)) return shape.refusal(payload);
  const problem = contentProblem(payload.content, limits.maxContentBytes);
  if (problem) return refusedField("content", problem.problem);
  const text = payload.metadata ? metadataText(payload.metadata, limits.maxMetadataBytes) : "{}";
  if (typeof text !== "string") return refusedField("metadata", text.problem);
  return bodyOf(payload, text);
}

function bodyOf(payload: Static<typeof schema>, text: string): SendMessageBody | Rejection {
  const clientRandom = payload.client_random == null ? null : Number(payload.client_random);
  if (clientRandom !== null && clientRandom > maxUint32) {
    return refusedField("client_random", clientRandomAllowed);
  }
  return {
    conversationId: idIn(payload.conversation_id),
    messageType: "text",
    content: payload.content,
    metadata: text,
    // -0 as 0
    clientRandom: clientRandom === null ? null : clientRandom + 0,
    mentions: mentionsSomebody(payload.metadata),
  };
}
