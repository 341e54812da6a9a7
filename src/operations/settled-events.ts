import type { Event } from "../core/events.ts";
import type { Settled } from "./command.ts";

/** The events of a command that is about no message; none: it changed nothing. */
export function eventsAfter(settled: Settled): readonly Event[] {
  return settled.type === "done" ? settled.events : [];
}
