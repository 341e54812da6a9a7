import { sizeOfMessage } from "../core/messages/message.ts";
import type { SeenMessage } from "../core/ports/store.ts";

/** Characters of what clients wrote, which bounds what is sent in one piece. */
export function writtenSize(messages: readonly SeenMessage[]): number {
  let characters = 0;
  for (const { message } of messages) characters += sizeOfMessage(message);
  return characters;
}

/** Bytes of what clients wrote in a message, as JSON: a control character takes six. */
export function encodedSize({ message }: SeenMessage): number {
  const { content } = message;
  return Buffer.byteLength(JSON.stringify(content)) + sizeOfMessage(message) - content.length;
}
