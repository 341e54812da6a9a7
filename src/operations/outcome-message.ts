import { changesMessage, type Event } from "../core/events.ts";
import type { Message } from "../core/messages/message.ts";

/** The message that a command's events tell of, as it is now; null: they tell of none, because nothing changed. */
export function messageIn(events: readonly Event[]): Message | null {
  for (const event of events) {
    if (event.type === "message_sent") return event;
    if (changesMessage(event)) return event.message;
  }
  return null;
}
