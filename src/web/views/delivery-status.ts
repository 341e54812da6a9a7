import type { Recipient } from "../../core/ports/viewer-reads.ts";
import { instantText } from "./instant.ts";

/** When each recipient has received and read a message; null: not yet. */
export function deliveryStatusTexts(messageId: string, recipients: readonly Recipient[]): string {
  return `[${recipients.map((each) => deliveryStatusText(messageId, each)).join()}]`;
}

function deliveryStatusText(messageId: string, { userId, deliveredAtUs, readAtUs }: Recipient): string {
  return (
    `{"message_id":"${messageId}","user_id":"${userId}",` +
    `"delivered_at":${optional(deliveredAtUs)},"read_at":${optional(readAtUs)}}`
  );
}

function optional(us: number | null): string {
  return us === null ? "null" : `"${instantText(us)}"`;
}
