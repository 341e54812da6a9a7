import type { ConversationFrame, MarksFrame } from "../../core/ports/pubsub.ts";

/** Readers in one part of a frame of marks. Each reader is reported to up to 50 authors. */
const readersInPart = 50;

/** Returns an upper bound for the topics that a frame is sent to, as far as the frame says. A created conversation counts as one, so that it goes before what happens in it. */
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
