import { Type } from "@sinclair/typebox";
import type { Attachment } from "../../core/messages/attachment.ts";
import { mediaTypes } from "../../core/messages/attachment.ts";
import { isRawNumber, parseExactly } from "../../phoenix/exact-json.ts";
import { instantText } from "./instant.ts";
import { anyObject, closed, id, instant, messageIdField, nullable, oneOf } from "./schemas.ts";

export function attachmentText(messageId: string, attachment: Attachment): string {
  const { id, mediaId, mediaType, metadata, createdAtUs } = attachment;
  return (
    `{"id":"${id}","message_id":"${messageId}","media_id":${JSON.stringify(mediaId)},"media_type":"${mediaType}",` +
    `"file_type":"${mediaType}",${describedIn(metadata)},` +
    `"metadata":${metadata},"created_at":"${instantText(createdAtUs)}"}`
  );
}

export function attachmentTexts(messageId: string, attachments: readonly Attachment[] | null): string {
  return `[${(attachments ?? []).map((each) => attachmentText(messageId, each)).join()}]`;
}

/** The fields that clients look for beside the metadata that they gave, and where each is found. */
const described = [
  ["mime_type", isText],
  ["filename", isText],
  ["size", isQuantity],
  ["media_url", isText],
  ["thumbnail_url", isText],
  ["duration", isQuantity],
] as const;

/** A field is null if the metadata does not have it, or has it in another type. Empty metadata are not parsed. */
function describedIn(metadata: string): string {
  if (metadata === "{}") return nothingDescribed;
  const given = parseExactly(metadata) as Readonly<Record<string, unknown>>;
  return described
    .map(([name, isSuch]) => `"${name}":${isSuch(given[name]) ? JSON.stringify(given[name]) : "null"}`)
    .join();
}

const nothingDescribed = described.map(([name]) => `"${name}":null`).join();

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** Whether the value is a number of bytes or seconds. */
function isQuantity(value: unknown): boolean {
  return typeof value === "number"
    ? value >= 0
    : isRawNumber(value) && !JSON.stringify(value).startsWith("-");
}

const mediaType = oneOf(mediaTypes, "What kind of media it is.");

export const attachmentSchema = closed(
  {
    id: id("The attachment."),
    message_id: messageIdField,
    media_id: Type.String({ description: "The id that the media service gave." }),
    media_type: mediaType,
    file_type: mediaType,
    mime_type: nullable(
      Type.String(),
      "Taken from the metadata, as the fields that follow; null where it does not say.",
    ),
    filename: nullable(Type.String()),
    size: nullable(Type.Number({ minimum: 0 }), "Bytes."),
    media_url: nullable(Type.String()),
    thumbnail_url: nullable(Type.String()),
    duration: nullable(Type.Number({ minimum: 0 }), "Seconds."),
    metadata: anyObject("What the sender gave, as it came."),
    created_at: instant("When it was attached."),
  },
  { $id: "Attachment", description: "A reference to media. The media themselves are stored elsewhere." },
);
