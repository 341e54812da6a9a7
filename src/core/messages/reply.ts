import type { ConversationState } from "../conversations/conversation.ts";
import type { Facts } from "../facts.ts";
import { reject } from "../rejection.ts";
import { targetOf } from "./edit.ts";
import type { ReplyTo } from "./message.ts";
import { quoteOf } from "./quote.ts";

/**
 * Returns the message that `replyToId` names; null: its sender sees no such message. It may be a tombstone: the sender may not know yet that
 * the message was deleted, and a client that is refused keeps its answer in a queue and tries for ever.
 */
export function replyToOf(
  state: ConversationState,
  facts: Facts,
  senderId: string,
  replyToId: string,
): ReplyTo | null {
  const message = targetOf(state, facts, { senderId, messageId: replyToId });
  return message && { id: message.id, seq: message.seq, quote: quoteOf(message) };
}

const allowed = "must be the id of a message of this conversation that you can see, or left out";

export const noSuchReplyTarget = reject("invalid_payload", `reply_to_id ${allowed}.`, {
  details: { reply_to_id: allowed },
});
