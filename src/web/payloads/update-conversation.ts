import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { isRejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { nameAllowed, namedMetadata } from "./conversation-metadata.ts";
import { conversationId, metadata, optional, settingsElsewhere } from "./fields.ts";
import type { BoundedReading } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `PUT /conversations/:id`. */
export interface UpdateConversationBody {
  readonly conversationId: string | null;
  /** JSON text of an object: what is to stand in the place of what has these names. Of `group_settings`, each name for itself. */
  readonly metadata: string;
}

const shape = new PayloadShape({
  operation: "update_conversation",
  nestedIn: "conversation",
  schema: Type.Object({
    name: optional(Type.String(), nameAllowed),
    metadata,
    conversation_id: conversationId,
    group_settings: settingsElsewhere,
  }),
});

export function readUpdateConversation(
  payload: unknown,
  reading: BoundedReading,
): UpdateConversationBody | Rejection {
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  if (body.name == null && body.metadata == null) return nothingToChange;
  const named = namedMetadata(body, reading.limits.maxMetadataBytes);
  if (isRejection(named)) return named;
  return { conversationId: body.conversation_id ?? null, metadata: named.text };
}

const nothingToChange = refusedField("metadata", "is required: must be an object; or name, a text");
