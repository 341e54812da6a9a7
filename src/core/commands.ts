import type { AcceptConversation, DeclineConversation } from "./conversations/acceptance.ts";
import type { ApplyBlocks } from "./conversations/blocks.ts";
import type { ChangeRole } from "./conversations/change-role.ts";
import type { AddMembers, LeaveConversation, RemoveMember } from "./conversations/members.ts";
import type { ReturnToDirect } from "./conversations/return-to-direct.ts";
import type { UpdateConversation } from "./conversations/update.ts";
import type { AttachMedia } from "./messages/attach.ts";
import { sizeOfAttachments } from "./messages/attachment.ts";
import type { DeleteMessage } from "./messages/delete.ts";
import type { EditMessage } from "./messages/edit.ts";
import type { AddReaction, RemoveReaction } from "./messages/react.ts";
import type { SendMessage } from "./messages/send.ts";

/** Whatever changes a conversation. REST, WebSocket, gRPC and the schedulers only build these. */
export type Command =
  | SendMessage
  | EditMessage
  | DeleteMessage
  | AttachMedia
  | AddReaction
  | RemoveReaction
  | AddMembers
  | RemoveMember
  | LeaveConversation
  | ChangeRole
  | UpdateConversation
  | AcceptConversation
  | DeclineConversation
  | ReturnToDirect
  | ApplyBlocks;

/** Whether the server issues the command, to apply what was decided elsewhere: its sender needs no membership. */
export function isOfServer({ type }: Command): boolean {
  return type === "apply_blocks" || type === "return_to_direct";
}

/** Characters of what the client wrote. */
export function sizeOf(command: Command): number {
  switch (command.type) {
    case "send_message":
      return command.content.length + command.metadata.length + sizeOfAttachments(command.attachments);
    case "edit_message":
      return command.content.length + (command.metadata?.length ?? 0);
    case "attach_media":
      return sizeOfAttachments([command.attachment]);
    case "update_conversation":
      return command.metadata.length;
    default:
      return 0;
  }
}
