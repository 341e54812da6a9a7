import type { Observer } from "../../core/ports/observer.ts";
import type { Gate } from "../gate.ts";
import { Events } from "./events.ts";
import { type MarkEventsOptions, ownMarkEvents } from "./mark-events.ts";
import { type StatusEventsOptions, statusEvents } from "./status-events.ts";

export type UserEventsOptions = Omit<MarkEventsOptions, "conversationOf"> &
  StatusEventsOptions & { readonly gate: Gate; readonly observer: Observer };

/** Everything that a user's own topic answers to. */
export function userEvents(options: UserEventsOptions): Events {
  const acts = [...ownMarkEvents({ ...options, conversationOf: () => null }), ...statusEvents(options)];
  return new Events({ ...options, acts });
}
