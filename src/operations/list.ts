import { acceptConversation } from "./conversations/accept-conversation.ts";
import { createConversation } from "./conversations/create-conversation.ts";
import { declineConversation } from "./conversations/decline-conversation.ts";
import { listConversations } from "./conversations/list-conversations.ts";
import { showConversation } from "./conversations/show-conversation.ts";
import { updateConversation } from "./conversations/update-conversation.ts";
import { addMembers } from "./members/add-members.ts";
import { allowReadding } from "./members/allow-readding.ts";
import { changeRole } from "./members/change-role.ts";
import { leaveConversation } from "./members/leave-conversation.ts";
import { listMembers } from "./members/list-members.ts";
import { removeMember } from "./members/remove-member.ts";
import { addReaction } from "./messages/add-reaction.ts";
import { attachMedia } from "./messages/attach-media.ts";
import { deleteMessage } from "./messages/delete-message.ts";
import { editMessage } from "./messages/edit-message.ts";
import { listAttachments } from "./messages/list-attachments.ts";
import { listReactions } from "./messages/list-reactions.ts";
import { readHistory } from "./messages/read-history.ts";
import { removeReaction } from "./messages/remove-reaction.ts";
import { sendMessage } from "./messages/send-message.ts";
import { showMessage } from "./messages/show-message.ts";
import type { Operation } from "./operation.ts";
import { typing } from "./presence/typing.ts";
import { updateStatus } from "./presence/update-status.ts";
import { markConversationRead } from "./receipts/mark-conversation-read.ts";
import { markDelivered } from "./receipts/mark-delivered.ts";
import { markRead } from "./receipts/mark-read.ts";
import { markUnread } from "./receipts/mark-unread.ts";
import { setReceipt } from "./receipts/set-receipt.ts";
import { showDeliveryStatus } from "./receipts/show-delivery-status.ts";
import { readChanges } from "./sync/read-changes.ts";

/** Operations that belong together, as the API documents show them. */
export interface Theme {
  readonly name: string;
  readonly summary: string;
  readonly operations: readonly Operation[];
}

/** Everything that clients can ask for, at every door. A new operation is one file and one line here. */
export const themes: readonly Theme[] = [
  {
    name: "Conversations",
    summary: "Direct conversations of two users, and groups.",
    operations: [
      listConversations,
      createConversation,
      showConversation,
      updateConversation,
      acceptConversation,
      declineConversation,
    ],
  },
  {
    name: "Members",
    summary: "Who is in a group, and with which role.",
    operations: [listMembers, addMembers, removeMember, changeRole, leaveConversation, allowReadding],
  },
  {
    name: "Messages",
    summary: "Messages, with reactions and references to media.",
    operations: [
      sendMessage,
      readHistory,
      showMessage,
      editMessage,
      deleteMessage,
      addReaction,
      removeReaction,
      listReactions,
      attachMedia,
      listAttachments,
    ],
  },
  {
    name: "Receipts",
    summary: "How far users have received and read.",
    operations: [markDelivered, markRead, markConversationRead, markUnread, setReceipt, showDeliveryStatus],
  },
  { name: "Sync", summary: "What changed since a device looked last.", operations: [readChanges] },
  { name: "Presence", summary: "Who types, and how users show.", operations: [typing, updateStatus] },
];

export const operations: readonly Operation[] = themes.flatMap((theme) => theme.operations);
