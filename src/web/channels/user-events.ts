import type { Observer } from "../../core/ports/observer.ts";
import { Events } from "./events.ts";
import { type MarkEventsOptions, ownMarkEvents } from "./mark-events.ts";
import { type StatusEventsOptions, statusEvents } from "./status-events.ts";

export type UserEventsOptions = Omit<MarkEventsOptions, "conversationOf"> &
  StatusEventsOptions & { readonly observer: Observer };

/** Everything that a user's own topic answers to. */
export function userEvents(options: UserEventsOptions): Events {
  const acts = new Map([
    ...ownMarkEvents({ ...options, conversationOf: () => null }),
    ...statusEvents(options),
  ]);
  return new Events({ acts, observer: options.observer });
}
