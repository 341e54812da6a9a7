import type { MessageChange } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { caughtUp, cursorExpired, pendingMessages } from "./backlog.ts";
import { conversationChanged, conversationCreated, conversationUpdated } from "./conversations.ts";
import { membersUpdated } from "./members-updated.ts";
import { messageDeleted } from "./message-deleted.ts";
import { messageUpdated } from "./message-updated.ts";
import { newMessage } from "./new-message.ts";
import { conversationRead, messageUnread } from "./own-state.ts";
import { presenceDiff, presenceState, userTyping } from "./presence.ts";
import type { Push, PushDoc, TextOf } from "./push.ts";
import { reactionAdded, reactionRemoved } from "./reactions.ts";
import { deliveryStatus, messageRead } from "./receipts.ts";
import { conversationRequest, requestAccepted, requestDeclined } from "./requests.ts";

/** The push that reports a change of a stored message, by the type of the event. Members get it as they see the message. */
const messageChanges: {
  readonly [Type in MessageChange["type"]]: Push<
    [event: Extract<MessageChange, { readonly type: Type }>, message: Message, textOf: TextOf]
  >;
} = {
  message_edited: messageUpdated,
  media_attached: messageUpdated,
  message_deleted: messageDeleted,
  reaction_added: reactionAdded,
  reaction_removed: reactionRemoved,
};

export function pushOfChange(event: MessageChange): Push<[MessageChange, Message, TextOf]> {
  return messageChanges[event.type] as Push<[MessageChange, Message, TextOf]>;
}

/** Everything that the server sends without being asked. */
export const pushes: readonly PushDoc[] = [
  newMessage,
  ...new Set<PushDoc>(Object.values(messageChanges)),
  conversationCreated,
  conversationUpdated,
  conversationChanged,
  membersUpdated,
  conversationRequest,
  requestAccepted,
  requestDeclined,
  deliveryStatus,
  messageRead,
  messageUnread,
  conversationRead,
  presenceState,
  presenceDiff,
  userTyping,
  pendingMessages,
  cursorExpired,
  caughtUp,
];
