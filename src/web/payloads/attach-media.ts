import { type Static, Type } from "@sinclair/typebox";
import { type MediaType, maxAttachments, mediaTypes } from "../../core/messages/attachment.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import { conversationId, messageId, metadata } from "./fields.ts";
import type { BoundedReading, PayloadLimits } from "./limits.ts";
import { refusedField } from "./refused-field.ts";

/** One reference to media. `metadata` is JSON text of an object. */
export interface AttachmentBody {
  readonly mediaId: string;
  readonly mediaType: MediaType;
  readonly metadata: string;
}

/** A checked `POST /messages/:id/attachments`. */
export interface AttachMediaBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly attachment: AttachmentBody;
}

/** Bytes of JSON text: names, sizes and addresses. Ten of them are told with every change of a message. */
const maxMetadataBytes = 4_096;

const attachment = {
  media_id: Type.String({
    pattern: "^[\\x21-\\x7e]{1,128}$",
    description: "must be the id that the media service gave: 1 to 128 characters of printable ASCII",
  }),
  media_type: Type.Union(
    mediaTypes.map((type) => Type.Literal(type)),
    { description: `must be one of ${mediaTypes.join(", ")}` },
  ),
  metadata,
};

const operation = "attach_media";
const inListSchema = Type.Object(attachment);
const inList = new PayloadShape({ operation, schema: inListSchema });
const alone = new PayloadShape({
  operation,
  schema: Type.Object({ ...attachment, message_id: messageId, conversation_id: conversationId }),
});

export const attachmentsAllowed = `must be a list of at most ${maxAttachments} {media_id, media_type, metadata?}`;

export function readAttachments(
  list: readonly unknown[],
  reading: BoundedReading,
): readonly AttachmentBody[] | Rejection {
  const read: AttachmentBody[] = [];
  for (const [index, each] of list.entries()) {
    const entry = inList.read(each, reading);
    if (!entry) return inEntry(index, inList.refusal(each));
    const body = bodyOf(entry, reading.limits);
    if (isRejection(body)) return inEntry(index, body);
    read.push(body);
  }
  return read;
}

export function readAttachMedia(payload: unknown, reading: BoundedReading): AttachMediaBody | Rejection {
  const body = alone.read(payload, reading);
  if (!body) return alone.refusal(payload);
  const attachment = bodyOf(body, reading.limits);
  if (isRejection(attachment)) return attachment;
  const { conversation_id = null, message_id = null } = body;
  return { conversationId: conversation_id, messageId: message_id, attachment };
}

function bodyOf(
  { media_id: mediaId, media_type: mediaType, metadata }: Static<typeof inListSchema>,
  limits: PayloadLimits,
): AttachmentBody | Rejection {
  const most = Math.min(maxMetadataBytes, limits.maxMetadataBytes);
  const text = metadata ? metadataText(metadata, most) : "{}";
  if (typeof text !== "string") return refusedField("metadata", text.problem);
  return { mediaId, mediaType, metadata: text };
}

/** Names the field by its place in the list. */
function inEntry(index: number, refusal: Rejection): Rejection {
  const [problem] = Object.entries(refusal.details ?? {});
  const [name, text] = problem
    ? [`attachments[${index}].${problem[0]}`, problem[1]]
    : [`attachments[${index}]`, "must be an object"];
  return refusedField(name, text);
}
