import type { Attachment } from "../../core/messages/attachment.ts";
import { isRawNumber, parseExactly } from "../../phoenix/exact-json.ts";
import { instantText } from "./instant.ts";

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

/** Null what the metadata does not say, or not as it should. It is parsed only where it says anything. */
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

/** Of bytes or seconds. */
function isQuantity(value: unknown): boolean {
  return typeof value === "number"
    ? value >= 0
    : isRawNumber(value) && !JSON.stringify(value).startsWith("-");
}
