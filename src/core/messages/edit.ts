import { members } from "../access.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import { type Rule, theMessage } from "../rule.ts";
import type { Message, MessageChanged } from "./message.ts";
import { mayNotWrite } from "./writing.ts";

export interface EditMessage {
  readonly type: "edit_message";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly messageId: string;
  readonly content: string;
  /** JSON text of an object; null: as it was. */
  readonly metadata: string | null;
  /** Whether the new metadata names users who are mentioned. */
  readonly mentions: boolean;
  /** How long after it was sent a message may be edited. Microseconds. */
  readonly withinUs: number;
}

/** The author's own text, while its window is open. The previous content is not kept. */
export function decideEdit(state: ConversationState, command: EditMessage, facts: Facts): Decision {
  const { nowUs } = facts;
  const message = targetOf(state, facts, command);
  if (!message) return noSuchMessage;
  if (message.senderId !== command.senderId) return notTheAuthor;
  if (message.deletedAtUs !== null || message.messageType === "system") return notEditable;
  if (nowUs - message.sentAtUs > command.withinUs) return tooOldToEdit;
  const refusal = mayNotWrite(state, command, message.messageType);
  if (refusal) return refusal;
  const rev = state.rev + 1;
  const { content, metadata } = command;
  const edited = { ...message, rev, content, metadata: metadata ?? message.metadata, editedAtUs: nowUs };
  return { type: "decided", events: [changed("message_edited", command, edited)] };
}

/** Returns the message that a command is about. Null: there is none, or it is from before the membership of its sender. */
export function targetOf(
  state: ConversationState,
  facts: Facts,
  command: { readonly senderId: string; readonly messageId: string },
): Message | null {
  const message = facts.message(command.messageId);
  return message && message.seq > state.members.get(command.senderId)!.joinedSeq ? message : null;
}

export function changed(
  type: MessageChanged["type"],
  { id: changeId }: { readonly id: string },
  message: Message,
): MessageChanged {
  return { type, conversationId: message.conversationId, rev: message.rev, changeId, message };
}

export const noSuchMessage = reject("not_found", "There is no such message in this conversation.");
const notTheAuthor = reject("forbidden", "Only its author can edit a message.");
const notEditable = reject("conflict", "Deleted messages and messages of the system cannot be edited.");
const tooOldToEdit = reject("conflict", "The time to edit this message is over.");

export const editRule: Rule<EditMessage> = {
  allows: members,
  needs: theMessage,
  size: ({ content, metadata }) => content.length + (metadata?.length ?? 0),
  decide: decideEdit,
};
