import { caughtUp, cursorExpired, pendingMessages } from "./backlog.ts";
import { conversationChanged, conversationCreated, conversationUpdated } from "./conversations.ts";
import { membersUpdated } from "./members-updated.ts";
import { messageDeleted } from "./message-deleted.ts";
import { messageUpdated } from "./message-updated.ts";
import { newMessage } from "./new-message.ts";
import { conversationRead, messageUnread } from "./own-state.ts";
import { presenceDiff, presenceState, userTyping } from "./presence.ts";
import type { PushDoc } from "./push.ts";
import { reactionAdded, reactionRemoved } from "./reactions.ts";
import { deliveryStatus, messageRead } from "./receipts.ts";
import { conversationRequest, requestAccepted, requestDeclined } from "./requests.ts";

/** Everything that the server sends without being asked. */
export const pushes: readonly PushDoc[] = [
  newMessage,
  messageUpdated,
  messageDeleted,
  reactionAdded,
  reactionRemoved,
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
