/** What the protocol itself answers, as encoded responses of an error reply. */
import type { Json } from "./channel.ts";

export const unmatchedTopic: Json = `{"reason":"unmatched topic"}`;
export const malformedFrame: Json = `{"reason":"malformed_frame"}`;
export const tooManyTopics: Json = `{"reason":"too_many_topics"}`;
export const overloaded: Json = `{"reason":"overloaded","retry_after_ms":1000}`;
export const internal: Json = `{"reason":"internal"}`;
