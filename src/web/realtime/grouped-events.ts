import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { MembersChanged } from "../../operations/pushes/members-updated.ts";

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

/** Whether two events differ only in the member they concern. */
function isAlike(one: MemberChanged, other: MemberChanged): boolean {
  if (one.type !== other.type || one.member.role !== other.member.role) return false;
  return (one.actorId === one.member.userId) === (other.actorId === other.member.userId);
}
