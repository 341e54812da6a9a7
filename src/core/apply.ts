import type { ConversationState } from "./conversations/conversation.ts";
import type { Event } from "./events.ts";
import { applyMessageSent } from "./messages/send.ts";

/** Moves an actor's memory by one event, in place. Events are applied in the order in which they were decided. */
export function apply(state: ConversationState, event: Event): void {
  state.rev = event.rev;
  switch (event.type) {
    case "message_sent":
      applyMessageSent(state, event);
      break;
  }
}
