import type { Message, Quote } from "./message.ts";

/** Bytes of UTF-8: longer content is not shown at all, because a part of it cannot be decrypted. */
export const longestQuote = 1_024;

export function quoteOf({ senderId, messageType, content, deletedAtUs }: Message): Quote {
  const isDeleted = deletedAtUs !== null;
  const isShown = !isDeleted && !exceeds(content, longestQuote);
  return { senderId, messageType, content: isShown ? content : null, isDeleted };
}

/** Returns a message that answers one of the known messages with a quote of that one as it is known. Tombstones quote nothing. */
export function requoted(message: Message, known: Pick<ReadonlyMap<string, Message>, "get">): Message {
  const { replyTo, deletedAtUs } = message;
  const answered = replyTo && deletedAtUs === null && known.get(replyTo.id);
  return answered ? { ...message, replyTo: { ...replyTo, quote: quoteOf(answered) } } : message;
}

/** As a member sees it who sees what came after `joinedSeq`. */
export function asSeenFrom(message: Message, joinedSeq: number): Message {
  const { replyTo } = message;
  if (!replyTo?.quote || replyTo.seq > joinedSeq) return message;
  return { ...message, replyTo: { ...replyTo, quote: null } };
}

/** A UTF-16 unit is at least one byte of UTF-8 and at most three, so that few need counting. */
function exceeds(text: string, bytes: number): boolean {
  if (text.length * 3 <= bytes) return false;
  return text.length > bytes || new TextEncoder().encode(text).length > bytes;
}
