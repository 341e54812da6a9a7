/** The kinds of media. */
export const mediaTypes = ["image", "video", "audio", "file"] as const;
export type MediaType = (typeof mediaTypes)[number];

/** The most of one message. */
export const maxAttachments = 10;

/** A reference to what the media service keeps; the bytes never come here. */
export interface Attachment {
  readonly id: string;
  readonly mediaId: string;
  readonly mediaType: MediaType;
  /** JSON text of an object, returned as it was given. */
  readonly metadata: string;
  readonly createdAtUs: number;
}

/** As a command brings it: when it was attached is decided. */
export type GivenAttachment = Omit<Attachment, "createdAtUs">;

/** Characters as a client sees it, ids and times included: what the metadata holds can be told beside it once more. */
export function sizeOfAttachments(attachments: readonly GivenAttachment[] | null): number {
  let size = 0;
  for (const { mediaId, metadata } of attachments ?? [])
    size += sizeOfBareAttachment + mediaId.length + 2 * metadata.length;
  return size;
}

const sizeOfBareAttachment = 350;

/** Null when there are none: most messages have none, and null costs nothing to read and to send. */
export function attachedAt(
  given: readonly GivenAttachment[] | null,
  createdAtUs: number,
): readonly Attachment[] | null {
  return given && given.length > 0 ? given.map((each) => ({ ...each, createdAtUs })) : null;
}
