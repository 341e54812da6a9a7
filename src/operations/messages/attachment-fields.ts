import { type Static, Type } from "@sinclair/typebox";
import { type MediaType, maxAttachments, mediaTypes } from "../../core/messages/attachment.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { metadata } from "../fields.ts";
import { metadataText } from "../opaque.ts";
import type { PayloadLimits } from "../payload-limits.ts";
import { PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import type { Services } from "../services.ts";

/** One reference to media. `metadata` is JSON text of an object. */
export interface AttachmentBody {
  readonly mediaId: string;
  readonly mediaType: MediaType;
  readonly metadata: string;
}

/** Bytes of JSON text: names, sizes and addresses. Ten of them are pushed with every change of a message. */
const maxMetadataBytes = 4_096;

/** The fields of an attachment, in a list or by itself. */
export const attachment = {
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

const inListSchema = Type.Object(attachment);
/** Documented as what it must be; read by a shape of its own, so that a refusal names its place in the list. */
export const attachmentEntry = Type.Unknown({ ...inListSchema });
const inList = new PayloadShape({ operation: "attach_media", schema: inListSchema });

export const attachmentsAllowed = `must be a list of at most ${maxAttachments} {media_id, media_type, metadata?}`;

export function readAttachments(
  list: readonly unknown[],
  { limits, observer }: Pick<Services, "limits" | "observer">,
): readonly AttachmentBody[] | Rejection {
  const read: AttachmentBody[] = [];
  for (const [index, each] of list.entries()) {
    const entry = inList.parse(each, observer);
    const body = isRejection(entry) ? entry : attachmentOf(entry, limits);
    if (isRejection(body)) return inEntry(index, body);
    read.push(body);
  }
  return read;
}

export function attachmentOf(
  { media_id: mediaId, media_type: mediaType, metadata }: Static<typeof inListSchema>,
  limits: PayloadLimits,
): AttachmentBody | Rejection {
  const most = Math.min(maxMetadataBytes, limits.maxMetadataBytes);
  const text = metadata ? metadataText(metadata, most) : "{}";
  if (isRejection(text)) return text;
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
