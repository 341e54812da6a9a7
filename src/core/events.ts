import type { ConversationChanged, ConversationDeactivated } from "./conversations/conversation-changed.ts";
import type { MemberChanged } from "./conversations/member-changed.ts";
import type { MessageChanged, MessageSent, ReactionChanged } from "./messages/message.ts";

/** What happened to a conversation. All events of one command share a `rev`. */
export type Event =
  | MessageSent
  | MessageChanged
  | ReactionChanged
  | MemberChanged
  | ConversationChanged
  | ConversationDeactivated;
