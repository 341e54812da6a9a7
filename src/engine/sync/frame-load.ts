import type { ConversationFrame, MarksFrame } from "../../core/ports/pubsub.ts";

/** Readers of one part of a frame of marks. Each is told of to up to 50 who wrote. */
const readersInPart = 50;

/** Returns how many topics a frame is sent to, at most, as far as it says. A conversation that was created is told of at once: who joins it comes after. */
export function topicsOf(frame: ConversationFrame): number {
  switch (frame.type) {
    case "changes":
      return frame.members?.size ?? 1;
    case "marks":
      return frame.statuses.length + frame.moved.length * (2 + frame.messages.length);
    case "created":
    case "own":
    case "typing":
      return 1;
  }
}

/** Cuts a frame of marks into parts of bounded work: the states of the messages are in the first one, with all who moved. */
export function partsOf(frame: MarksFrame): readonly MarksFrame[] {
  if (frame.moved.length <= readersInPart) return [frame];
  const parts: MarksFrame[] = [{ ...frame, messages: [] }];
  for (let from = 0; from < frame.moved.length; from += readersInPart)
    parts.push({ ...frame, statuses: [], moved: frame.moved.slice(from, from + readersInPart) });
  return parts;
}
