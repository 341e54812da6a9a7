import { sizeOfMessage } from "../core/messages/message.ts";
import type { SeenMessage } from "../core/ports/store.ts";

/** Characters of what clients wrote, which bounds what is sent in one piece. */
export function writtenSize(messages: readonly SeenMessage[]): number {
  let characters = 0;
  for (const { message } of messages) characters += sizeOfMessage(message);
  return characters;
}
