import { Type } from "@sinclair/typebox";
import type { Recipient } from "../../core/ports/viewer-reads.ts";
import { instantText } from "./instant.ts";
import { closed, instant, messageIdField, nullable, userIdField } from "./schemas.ts";

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

export const deliveryStatusSchema = Type.Array(
  closed(
    {
      message_id: messageIdField,
      user_id: userIdField,
      delivered_at: nullable(instant("When they received it."), "Null: not yet."),
      read_at: nullable(instant("When they read it."), "Null: not yet."),
    },
    { $id: "DeliveryStatus" },
  ),
);
