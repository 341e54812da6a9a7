import { Type } from "@sinclair/typebox";
import { type Rejection, reject } from "../../core/rejection.ts";
import type { Call } from "../operation.ts";

/** Characters. */
const maxKeyCharacters = 255;

export const idempotencyKeySchema = Type.String({
  maxLength: maxKeyCharacters,
  description: "A group is created once under the same key of the same user and device.",
});

/** Returns the `Idempotency-Key` of a request; null: it has none. */
export function readIdempotencyKey(call: Pick<Call, "header">): string | null | Rejection {
  const key = call.header("idempotency-key");
  if (!key) return null;
  return key.length <= maxKeyCharacters ? key : tooLong;
}

const allowed = `must be at most ${maxKeyCharacters} characters`;
const tooLong = reject("invalid_payload", `The Idempotency-Key header ${allowed}.`, {
  details: { "idempotency-key": allowed },
});
