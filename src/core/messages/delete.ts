import { members } from "../access.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import { moderates } from "../conversations/rank.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import { type Rule, theMessage } from "../rule.ts";
import { changed, noSuchMessage, targetOf } from "./edit.ts";
import type { Message } from "./message.ts";

/** Deletes for everyone: what stays is a tombstone. */
export interface DeleteMessage {
  readonly type: "delete_message";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly messageId: string;
  /** How long after it was sent an author may delete a message. Microseconds. */
  readonly withinUs: number;
}

/** Authors within their window; in groups moderators and up at any time. Deleting again changes nothing. */
export function decideDelete(state: ConversationState, command: DeleteMessage, facts: Facts): Decision {
  const { nowUs } = facts;
  const message = targetOf(state, facts, command);
  if (!message) return noSuchMessage;
  const mayModerate = state.type === "group" && moderates(state.members.get(command.senderId)!.role);
  if (message.senderId !== command.senderId && !mayModerate) return notYours;
  if (message.deletedAtUs !== null) return { type: "unchanged", message };
  if (!mayModerate && nowUs - message.sentAtUs > command.withinUs) return tooOldToDelete;
  const gone = tombstone(message, state.rev + 1, nowUs);
  return { type: "decided", events: [changed("message_deleted", command, gone)] };
}

/** Keeps `replyTo`, so that the tombstone keeps its place among the messages, but without the quote. */
function tombstone(message: Message, rev: number, nowUs: number): Message {
  const replyTo = message.replyTo && { ...message.replyTo, quote: null };
  const erased = { content: "", metadata: "{}", attachments: null, reactions: null };
  return { ...message, ...erased, rev, replyTo, deletedAtUs: nowUs };
}

const notYours = reject(
  "forbidden",
  "Only its author, and in groups the owner, admins and moderators, can delete a message for everyone.",
);
const tooOldToDelete = reject("conflict", "The time to delete this message for everyone is over.");

export const deleteRule: Rule<DeleteMessage> = {
  allows: members,
  needs: theMessage,
  decide: decideDelete,
};
