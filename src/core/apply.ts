import type { ConversationState } from "./conversations/conversation.ts";
import { applyMemberChanged } from "./conversations/members.ts";
import { applyConversationChanged } from "./conversations/update.ts";
import { changesMessage, type Event } from "./events.ts";
import { applyMessageSent } from "./messages/send.ts";

/** Moves the state by one event, in place. Events are applied in the order in which they were decided. */
export function apply(state: ConversationState, event: Event): void {
  state.rev = event.rev;
  if (event.type === "message_sent") return applyMessageSent(state, event);
  // Messages are no part of the state.
  if (changesMessage(event)) return;
  if ("member" in event) applyMemberChanged(state, event);
  else applyConversationChanged(state, event);
}
