import type { Limiter, LimitName } from "./ports/limiter.ts";
import { type Rejection, reject } from "./rejection.ts";

const subjects: Readonly<Record<LimitName, string>> = {
  user_messages: "messages of one user",
  conversation_messages: "messages of one user into a conversation of this size",
  connection_operations: "operations on one connection",
  connection_typing: "typing signals on one connection",
  connection_reads: "read and delivery marks on one connection",
  connection_joins: "joins and leaves on one connection",
  user_handshakes: "connections of one user",
  user_frames: "frames and KiB of request bodies of one user",
  address_failures: "tokens from one address that nobody of ours signed",
  process_handshakes: "connections to one server",
};

/** Counts one use, or so many; null: it is within the limit. */
export function rateLimited(limiter: Limiter, limit: LimitName, key: string, uses = 1): Rejection | null {
  const retryAfterMs = limiter.take(limit, key, uses);
  if (retryAfterMs === 0) return null;
  const { perMinute, burst } = limiter.rateOf(limit);
  return reject(
    "rate_limited",
    `Too many ${subjects[limit]}: ${perMinute} a minute are allowed, ${burst} at once. Nothing was changed; try again after retry_after_ms.`,
    { retryAfterMs },
  );
}
