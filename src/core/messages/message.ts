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
  /** Set: a tombstone, without content and metadata. */
  readonly deletedAtUs: number | null;
}

/** A message entered the log; `rev` and `createdRev` are the same. */
export interface MessageSent extends Message {
  readonly type: "message_sent";
  /** The seq of an older message (> 24 h) whose hold on `clientRandom` ends with this one. */
  readonly releasesKeyOf: number | null;
}

/** A stored message became another one, under the same seq: `message` is the whole of it. */
export interface MessageChanged {
  readonly type: "message_edited" | "message_deleted";
  readonly conversationId: string;
  readonly rev: number;
  readonly message: Message;
}
