import { type Message, sizeOfMessage } from "../../core/messages/message.ts";
import { shownReactions } from "../../core/messages/reaction.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";

/** Returns the characters of what clients wrote, as they are stored: what a read brings. */
export function writtenSize(messages: readonly SeenMessage[]): number {
  let characters = 0;
  for (const { message } of messages) characters += sizeOfMessage(message);
  return characters;
}

/** The most bytes of each part as JSON, without what clients wrote: names, ids, numbers, times. A test compares them with the views. */
const bytesOfMessage = 512;
const bytesOfQuote = 256;
const bytesOfAttachment = 384;
const bytesOfReaction = 224;
const bytesOfCount = 16;
export const bytesOfMember = 256;
export const bytesOfMemberId = 39;
export const bytesOfMarks = 120;

/** Returns at least as many bytes as the message takes as JSON in UTF-8: a control character takes six. */
export function encodedSize({ message }: SeenMessage): number {
  const { content, metadata, replyTo, attachments, reactions } = message;
  const size = bytesOfMessage + jsonBytes(content) + Buffer.byteLength(metadata);
  return replyTo || attachments || reactions ? size + relationsSize(message) : size;
}

/** Returns the sum of `encodedSize`. */
export function encodedSizeOf(messages: readonly SeenMessage[]): number {
  let bytes = 0;
  for (const seen of messages) bytes += encodedSize(seen);
  return bytes;
}

/** Counts the metadata of attachments twice: it is sent as it is, and in the fields that the existing client reads. */
function relationsSize({ replyTo, attachments, reactions }: Message): number {
  let bytes = replyTo ? bytesOfQuote + jsonBytes(replyTo.quote?.content ?? "") : 0;
  for (const { mediaId, metadata } of attachments ?? [])
    bytes += bytesOfAttachment + jsonBytes(mediaId) + 2 * Buffer.byteLength(metadata);
  for (const { reaction } of reactions?.list.slice(0, shownReactions) ?? [])
    bytes += bytesOfReaction + jsonBytes(reaction);
  for (const reaction of reactions?.counts.keys() ?? []) bytes += bytesOfCount + jsonBytes(reaction);
  return bytes;
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
