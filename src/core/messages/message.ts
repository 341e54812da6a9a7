/** The kinds of message. Only the server makes `system` messages. */
export const messageTypes = ["text", "media", "system"] as const;
export type MessageType = (typeof messageTypes)[number];

/**
 * A message entered the log. Immutable; `metadata` is JSON text that was checked on entry and is returned as it is.
 * Times are microseconds since the Unix epoch.
 */
export interface MessageSent {
  readonly type: "message_sent";
  readonly conversationId: string;
  /** The number of this change in the conversation. */
  readonly rev: number;
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
  /** The seq of an older message (> 24 h) whose hold on `clientRandom` ends with this one. */
  readonly releasesKeyOf: number | null;
}

/** A message as it is read back from the log. */
export type Message = Omit<MessageSent, "type" | "releasesKeyOf">;
