import type { Contact } from "./conversations/contact.ts";
import type { Message } from "./messages/message.ts";
import type { KeyUse, SendKey } from "./messages/send-key.ts";

/** A message by its id, in the conversation that it is said to be in. */
export interface MessageRef {
  readonly conversationId: string;
  readonly messageId: string;
}

/**
 * Everything that rules know beyond the state of the conversation. The rule of a command declares the facts that it needs, and the engine
 * looks them up before the command is decided. Facts of the conversation itself are as they will be when everything that was decided before
 * is stored. Asking for a fact that the rule did not declare is a bug and throws.
 */
export interface Facts {
  /** The time of the decision, in microseconds since the Unix epoch. */
  readonly nowUs: number;
  /** Returns a message of this conversation, with all its reactions. Does not ask who may see it. Null: there is none. */
  message(messageId: string): Message | null;
  /** Returns a message of another conversation; null: there is none that the user sees. As of the look-up. */
  messageElsewhere(ref: MessageRef, viewerId: string): Message | null;
  /** Returns the contact between a user and another user whom they bring into the conversation. Read after the command arrived. */
  contact(adderId: string, userId: string): Contact;
  /** Returns the conversation's metadata as JSON text. */
  metadata(): string;
  /** Returns the newest send that a send with this key repeats: of its device, or of one that is not known. Null: there is none. */
  earlierSend(senderId: string, key: SendKey): KeyUse | null;
  /** Returns the newest send under exactly this key, which is in the way of another one. Null: there is none. */
  keyHolder(senderId: string, key: SendKey): KeyUse | null;
}
