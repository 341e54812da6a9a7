import { type Rejection, reject } from "../core/rejection.ts";

/** Characters. */
const longestKey = 255;

/** Returns the `Idempotency-Key` of a request; null: it has none. */
export function readIdempotencyKey(request: Request): string | null | Rejection {
  const key = request.headers.get("idempotency-key");
  if (!key) return null;
  return key.length <= longestKey ? key : tooLong;
}

const allowed = `must be at most ${longestKey} characters`;
const tooLong = reject("invalid_payload", `The Idempotency-Key header ${allowed}.`, {
  details: { "idempotency-key": allowed },
});
