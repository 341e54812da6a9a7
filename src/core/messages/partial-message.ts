import type { SeenMessage } from "../ports/store.ts";

/** Returns the message without what clients wrote of it: in a list, one that is too large. Its ids, numbers and times stay. */
export function partialOf({ message, status }: SeenMessage): SeenMessage {
  const nothing = { content: "", metadata: "{}", attachments: null, reactions: null, replyTo: null };
  return { message: { ...message, ...nothing }, status, isPartial: true };
}
