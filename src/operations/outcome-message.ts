import type { Event } from "../core/events.ts";
import type { Message } from "../core/messages/message.ts";

/** The message that a command's events tell of, as it is now; null: they tell of none, because nothing changed. */
export function messageIn(events: readonly Event[]): Message | null {
  for (const event of events) {
    switch (event.type) {
      case "message_sent":
        return event;
      case "message_edited":
      case "message_deleted":
      case "media_attached":
      case "reaction_added":
      case "reaction_removed":
        return event.message;
    }
  }
  return null;
}
