import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { isRejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { nameAllowed, namedMetadata } from "./conversation-metadata.ts";
import { conversationId, idIn, metadata, optional, strict } from "./fields.ts";
import type { PayloadLimits } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `PUT /conversations/:id`. */
export interface UpdateConversationBody {
  readonly conversationId: string | null;
  /** JSON text of an object: what is to stand in the place of what has these names. */
  readonly metadata: string;
}

const shape = new PayloadShape(
  Type.Object(
    { name: optional(Type.String(), nameAllowed), metadata, conversation_id: conversationId },
    strict,
  ),
);

export function readUpdateConversation(
  payload: unknown,
  limits: PayloadLimits,
): UpdateConversationBody | Rejection {
  if (!shape.fits(payload)) return shape.refusal(payload);
  if (payload.name == null && payload.metadata == null) return nothingToChange;
  const named = namedMetadata(payload, limits.maxMetadataBytes);
  if (isRejection(named)) return named;
  return { conversationId: idIn(payload.conversation_id), metadata: named.text };
}

const nothingToChange = refusedField("metadata", "is required: must be an object; or name, a text");
