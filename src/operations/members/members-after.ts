import type { Member } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { Settled } from "../command.ts";
import { eventsAfter } from "../settled-events.ts";

/** The members whom a command changed in this way, as they are now. */
export function membersAfter(settled: Settled, type: MemberChanged["type"]): readonly Member[] {
  const isSuch = (event: Event): event is MemberChanged => event.type === type;
  return eventsAfter(settled)
    .filter(isSuch)
    .map(({ member }) => member);
}
