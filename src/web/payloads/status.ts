import { Type } from "@sinclair/typebox";
import type { PresenceStatus } from "../../core/ports/presence.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { ignored } from "./fields.ts";

const statuses: readonly PresenceStatus[] = ["online", "away", "busy", "offline"];
const allowed = `must be one of ${statuses.join(", ")}`;

const shape = new PayloadShape({
  operation: "update_status",
  schema: Type.Object({ status: Type.Unknown({ description: allowed }), user_id: ignored }),
});

/** A checked `update_status`. */
export function readStatus(
  payload: unknown,
  reading: Reading,
): { readonly status: PresenceStatus } | Rejection {
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  const status = statuses.find((each) => each === body.status);
  return status ? { status } : unknownStatus;
}

const unknownStatus = reject("invalid_status", `status ${allowed}.`, { details: { status: allowed } });
