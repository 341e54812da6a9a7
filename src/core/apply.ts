import type { ConversationState } from "./conversations/conversation.ts";
import { applyMemberChanged } from "./conversations/members.ts";
import { applyConversationChanged } from "./conversations/update.ts";
import type { Event } from "./events.ts";
import { applyMessageSent } from "./messages/send.ts";

/** Moves the state by one event, in place. Events are applied in the order in which they were decided. */
export function apply(state: ConversationState, event: Event): void {
  state.rev = event.rev;
  switch (event.type) {
    case "message_sent":
      return applyMessageSent(state, event);
    case "message_edited":
    case "message_deleted":
    case "media_attached":
    case "reaction_added":
    case "reaction_removed":
      return;
    case "member_added":
    case "member_removed":
    case "member_role_changed":
    case "member_blocked":
    case "member_unblocked":
    case "member_took_part":
    case "request_accepted":
    case "request_declined":
      return applyMemberChanged(state, event);
    case "conversation_changed":
    case "conversation_deactivated":
      return applyConversationChanged(state, event);
  }
}
