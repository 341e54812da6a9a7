import type { Attachment } from "../../core/messages/attachment.ts";
import { instantText } from "./instant.ts";

export function attachmentText(messageId: string, attachment: Attachment): string {
  const { id, mediaId, mediaType, metadata, createdAtUs } = attachment;
  return (
    `{"id":"${id}","message_id":"${messageId}","media_id":${JSON.stringify(mediaId)},"media_type":"${mediaType}",` +
    `"metadata":${metadata},"created_at":"${instantText(createdAtUs)}"}`
  );
}

export function attachmentTexts(messageId: string, attachments: readonly Attachment[] | null): string {
  return `[${(attachments ?? []).map((each) => attachmentText(messageId, each)).join()}]`;
}
