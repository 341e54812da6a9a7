import type { ConversationChanged, ConversationDeactivated } from "./conversations/conversation-changed.ts";
import type { MemberChanged } from "./conversations/member-changed.ts";
import type { MessageChanged, MessageSent, ReactionChanged } from "./messages/message.ts";

/** A change of a conversation. All events of one command share a `rev`. */
export type Event =
  | MessageSent
  | MessageChanged
  | ReactionChanged
  | MemberChanged
  | ConversationChanged
  | ConversationDeactivated;

/** An event that changes a stored message: `message` is the whole of it as it is then. */
export type MessageChange = Extract<Event, { readonly changeId: string }>;

export function changesMessage(event: Event): event is MessageChange {
  return "changeId" in event;
}
