import { type Attachment, sizeOfAttachments } from "./attachment.ts";
import type { Reaction, Reactions } from "./reaction.ts";

/** The kinds of message. Only the server makes `system` messages. */
export const messageTypes = ["text", "media", "system"] as const;
export type MessageType = (typeof messageTypes)[number];

/**
 * A message of the log. Immutable: a change makes another one. `metadata` is JSON text that was checked on entry and is returned as it is.
 * Times are microseconds since the Unix epoch.
 */
export interface Message {
  readonly conversationId: string;
  /** The number of its last change in the conversation. */
  readonly rev: number;
  /** The number of the change by which it entered the log. */
  readonly createdRev: number;
  /** The number of this message in the conversation: 1, 2, 3 … without a hole. */
  readonly seq: number;
  readonly id: string;
  readonly senderId: string;
  readonly messageType: MessageType;
  readonly content: string;
  readonly metadata: string;
  /** uint32, or null: the send was not deduplicated. */
  readonly clientRandom: number | null;
  readonly sentAtUs: number;
  readonly editedAtUs: number | null;
  /** Set: a tombstone, without content, metadata, attachments and reactions. */
  readonly deletedAtUs: number | null;
  /** Null: it answers no other message. */
  readonly replyTo: ReplyTo | null;
  /** Media by reference, in the order in which they were attached; null: none. */
  readonly attachments: readonly Attachment[] | null;
  /** Null: none. */
  readonly reactions: Reactions | null;
}

/** The message that another one answers, of the same conversation. */
export interface ReplyTo {
  readonly id: string;
  readonly seq: number;
  /** As it was when this was read or decided. Null: it is gone, or the receiver may not see it. */
  readonly quote: Quote | null;
}

/** The part of an answered message that is shown with the answer. */
export interface Quote {
  readonly senderId: string;
  readonly messageType: MessageType;
  /** Null: deleted, or too long. */
  readonly content: string | null;
  readonly isDeleted: boolean;
}

/** A message entered the log; `rev` and `createdRev` are the same. */
export interface MessageSent extends Message {
  readonly type: "message_sent";
  /** The tag of the device that sent it, under which `clientRandom` is held. */
  readonly deviceTag: number;
  /** The seq of an older message (> 24 h) whose hold on `clientRandom` ends with this one. */
  readonly releasesKeyOf: number | null;
}

/** A stored message became another one, under the same seq: `message` is the whole of it. */
export interface MessageChanged {
  readonly type: "message_edited" | "message_deleted" | "media_attached";
  readonly conversationId: string;
  readonly rev: number;
  /** The id of the command. It stays in the message's row until the next change, and proves that this change is stored. */
  readonly changeId: string;
  readonly message: Message;
}

/** A member reacted to a stored message, or removed their reaction. The content of the message stays as it was. */
export interface ReactionChanged {
  readonly type: "reaction_added" | "reaction_removed";
  readonly conversationId: string;
  readonly rev: number;
  /** As in `MessageChanged`. */
  readonly changeId: string;
  readonly message: Message;
  readonly reaction: Reaction;
}

/** Characters of what clients wrote of a message, and of what it quotes, which bound what is read, stored and sent in one piece. */
export function sizeOfMessage({ content, metadata, replyTo, attachments, reactions }: Message): number {
  const size = content.length + metadata.length;
  if (!replyTo && !attachments && !reactions) return size;
  const quoted = replyTo?.quote?.content?.length ?? 0;
  return size + quoted + sizeOfAttachments(attachments) + sizeOfReactions(reactions);
}

function sizeOfReactions(reactions: Reactions | null): number {
  if (!reactions) return 0;
  return reactions.list.length * sizeOfReaction + reactions.counts.size * sizeOfCount;
}

/** With its ids and its time, as clients see it. */
const sizeOfReaction = 200;
const sizeOfCount = 32;
