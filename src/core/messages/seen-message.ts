import type { MessageStatus } from "./marks.ts";
import type { Message } from "./message.ts";

/** A message as one viewer sees it: to its sender, how far it has come; to others `sent`. */
export interface SeenMessage {
  readonly message: Message;
  readonly status: MessageStatus;
  /** What clients wrote was left out, because it is too large for a list. Absent: it is whole. */
  readonly isPartial?: true;
}
