import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { contentProblem, metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import { content, conversationId, later, mentionsSomebody, messageId, metadata } from "./fields.ts";
import type { BoundedReading } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `edit_message`. */
export interface EditMessageBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly content: string;
  /** JSON text of an object; null: as it was. */
  readonly metadata: string | null;
  /** Whether the new metadata names users who are mentioned. */
  readonly mentions: boolean;
}

const shape = new PayloadShape({
  operation: "edit_message",
  nestedIn: "message",
  schema: Type.Object({
    content,
    metadata,
    message_id: messageId,
    conversation_id: conversationId,
    signature: later("signatures"),
    sender_public_key: later("signatures"),
  }),
});

export function readEditMessage(payload: unknown, reading: BoundedReading): EditMessageBody | Rejection {
  const { limits } = reading;
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  const problem = contentProblem(body.content, limits.maxContentBytes);
  if (problem) return refusedField("content", problem.problem);
  const text = body.metadata ? metadataText(body.metadata, limits.maxMetadataBytes) : null;
  if (text !== null && typeof text !== "string") return refusedField("metadata", text.problem);
  return {
    conversationId: body.conversation_id ?? null,
    messageId: body.message_id ?? null,
    content: body.content,
    metadata: text,
    mentions: mentionsSomebody(body.metadata),
  };
}
