import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { contentProblem, metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import {
  content,
  conversationId,
  idIn,
  later,
  mentionsSomebody,
  messageId,
  metadata,
  strict,
} from "./fields.ts";
import type { PayloadLimits } from "./limits.ts";
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

const shape = new PayloadShape(
  Type.Object(
    {
      content,
      metadata,
      message_id: messageId,
      conversation_id: conversationId,
      signature: later("signatures"),
      sender_public_key: later("signatures"),
    },
    strict,
  ),
);

export function readEditMessage(payload: unknown, limits: PayloadLimits): EditMessageBody | Rejection {
  if (!shape.fits(payload)) return shape.refusal(payload);
  const problem = contentProblem(payload.content, limits.maxContentBytes);
  if (problem) return refusedField("content", problem.problem);
  const text = payload.metadata ? metadataText(payload.metadata, limits.maxMetadataBytes) : null;
  if (text !== null && typeof text !== "string") return refusedField("metadata", text.problem);
  return {
    conversationId: idIn(payload.conversation_id),
    messageId: idIn(payload.message_id),
    content: payload.content,
    metadata: text,
    mentions: mentionsSomebody(payload.metadata),
  };
}
