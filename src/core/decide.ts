import { authorize } from "./authorize.ts";
import { type Command, isOfServer } from "./commands.ts";
import { acceptedByActing, decideAccept, decideDecline } from "./conversations/acceptance.ts";
import { decideApplyBlocks } from "./conversations/blocks.ts";
import { decideChangeRole } from "./conversations/change-role.ts";
import type { ConversationState } from "./conversations/conversation.ts";
import { keepOneOwner } from "./conversations/group-owner.ts";
import { decideAdd, decideLeave, decideRemove } from "./conversations/members.ts";
import { decideReturn } from "./conversations/return-to-direct.ts";
import { decideUpdate } from "./conversations/update.ts";
import type { Decision } from "./decision.ts";
import type { Facts } from "./facts.ts";
import { decideAttach } from "./messages/attach.ts";
import { decideDelete } from "./messages/delete.ts";
import { decideEdit } from "./messages/edit.ts";
import { decideReact, decideUnreact } from "./messages/react.ts";
import { decideSend } from "./messages/send.ts";

/**
 * Decides on a command. Pure and synchronous: the same state, command and facts always give the same decision. `facts` must hold what
 * `needs.ts` says of the command.
 */
export function decide(state: ConversationState, command: Command, facts: Facts): Decision {
  const { nowUs } = facts;
  const membership = state.members.get(command.senderId) ?? null;
  const refusal = authorize[command.type](membership, state);
  if (refusal) return refusal;
  const decision = keepOneOwner(state, decideByRule(state, command, facts), command, nowUs);
  return isOfServer(command) ? decision : acceptedByActing(state, membership, decision, command, nowUs);
}

function decideByRule(state: ConversationState, command: Command, facts: Facts): Decision {
  const { nowUs } = facts;
  switch (command.type) {
    case "send_message":
      return decideSend(state, command, facts);
    case "edit_message":
      return decideEdit(state, command, facts);
    case "delete_message":
      return decideDelete(state, command, facts);
    case "attach_media":
      return decideAttach(state, command, facts);
    case "add_reaction":
      return decideReact(state, command, facts);
    case "remove_reaction":
      return decideUnreact(state, command, facts);
    case "add_members":
      return decideAdd(state, command, facts);
    case "remove_member":
      return decideRemove(state, command, nowUs);
    case "leave_conversation":
      return decideLeave(state, command, nowUs);
    case "change_role":
      return decideChangeRole(state, command, nowUs);
    case "update_conversation":
      return decideUpdate(state, command, facts);
    case "accept_conversation":
      return decideAccept(state, command, nowUs);
    case "decline_conversation":
      return decideDecline(state, command, nowUs);
    case "return_to_direct":
      return decideReturn(state, command, facts);
    case "apply_blocks":
      return decideApplyBlocks(state, command, nowUs);
  }
}
