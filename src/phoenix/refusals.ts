/** What the protocol itself answers, as encoded responses of an error reply. */
import type { Json } from "./channel.ts";
import { maxValues } from "./json-structure.ts";

export const unmatchedTopic: Json = `{"reason":"unmatched topic"}`;
export const malformedFrame: Json = JSON.stringify({
  reason: "malformed_frame",
  message:
    "A frame is a JSON array [join_ref, ref, topic, event, payload], as in serializer 2.0.0 of Phoenix Channels. " +
    "join_ref and ref are null, integers below 2^53, or strings; strings have at most 255 characters.",
});
export const tooManyTopics: Json = `{"reason":"too_many_topics"}`;
export const overloaded: Json = `{"reason":"overloaded","retry_after_ms":1000}`;
export const internal: Json = `{"reason":"internal"}`;

export const tooManyValues: Json = JSON.stringify({
  reason: "invalid_payload",
  message: `A payload may hold at most ${maxValues} values. Sending the same frame again cannot succeed.`,
});

export function payloadTooLarge(maxBytes: number): Json {
  return JSON.stringify({
    reason: "payload_too_large",
    message: `A frame of this event may have at most ${maxBytes} bytes. Sending the same frame again cannot succeed.`,
  });
}
