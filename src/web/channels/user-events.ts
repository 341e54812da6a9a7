import type { Observer } from "../../core/ports/observer.ts";
import { Events } from "./events.ts";
import { type MarkEventsOptions, ownMarkEvents } from "./mark-events.ts";

export type UserEventsOptions = Omit<MarkEventsOptions, "conversationOf"> & { readonly observer: Observer };

/** Everything that a user's own topic answers to. */
export function userEvents(options: UserEventsOptions): Events {
  const acts = new Map(ownMarkEvents({ ...options, conversationOf: () => null }));
  return new Events({ acts, observer: options.observer });
}
