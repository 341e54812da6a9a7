import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { ConversationFrame, MarksFrame } from "../../core/ports/pubsub.ts";
import type { MembersChanged } from "../../operations/pushes/members-updated.ts";

/** Readers of one part of a frame of marks. Each is told of to up to 50 who wrote. */
const readersInPart = 50;

/** Returns how many topics a frame is sent to, at most. A conversation that was created is told of at once: who joins it comes after. */
export function topicsOf(frame: ConversationFrame): number {
  switch (frame.type) {
    case "changes":
      return frame.members.size;
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

export type OtherEvent = Exclude<Event, MemberChanged>;

/** Groups the events of one command: members who were changed alike are told of in one push. Order stays. */
export function eventsTogether(events: readonly Event[]): readonly (OtherEvent | MembersChanged)[] {
  const together: (OtherEvent | [MemberChanged, ...MemberChanged[]])[] = [];
  for (const event of events) {
    const last = together.at(-1);
    if (!isMemberChanged(event)) together.push(event);
    else if (Array.isArray(last) && isAlike(last[0], event)) last.push(event);
    else together.push([event]);
  }
  return together;
}

function isMemberChanged(event: Event): event is MemberChanged {
  return "member" in event;
}

/** In all but who it is. */
function isAlike(one: MemberChanged, other: MemberChanged): boolean {
  if (one.type !== other.type || one.member.role !== other.member.role) return false;
  return (one.actorId === one.member.userId) === (other.actorId === other.member.userId);
}
