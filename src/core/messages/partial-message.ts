import type { SeenMessage } from "./seen-message.ts";

/** Returns the message with only its ids, numbers and times: what clients wrote is too large for the list. */
export function partialOf({ message, status }: SeenMessage): SeenMessage {
  const nothing = { content: "", metadata: "{}", attachments: null, reactions: null, replyTo: null };
  return { message: { ...message, ...nothing }, status, isPartial: true };
}
