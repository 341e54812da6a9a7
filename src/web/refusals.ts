import { reject } from "../core/rejection.ts";

/** Refusals of the HTTP side, each made once. */

/** This client holds the most unread bytes. */
export const heldTooMuch = reject(
  "overloaded",
  "Too many answers of this server are unread, and you have one of the largest shares. Read them, and ask again after retry_after_ms.",
  { retryAfterMs: 2_000 },
);

export const tooManyBodies = reject(
  "overloaded",
  "Too many requests are still sending their bodies. Nothing was changed; send it again after retry_after_ms.",
  { retryAfterMs: 2_000 },
);

/** How long a client may take to send a body, in seconds. */
export const longestBodySeconds = 60;

export const slowBody = reject(
  "timeout",
  `The body was not complete within ${longestBodySeconds} s. Nothing was changed; send it again.`,
  { retryAfterMs: 2_000 },
);
