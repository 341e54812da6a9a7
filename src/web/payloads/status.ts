import { Type } from "@sinclair/typebox";
import type { PresenceStatus } from "../../core/ports/presence.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { ignored, strict } from "./fields.ts";

const statuses = ["online", "away", "busy", "offline"] as const satisfies readonly PresenceStatus[];

const status = new PayloadShape(
  Type.Object(
    {
      status: Type.Union(
        statuses.map((each) => Type.Literal(each)),
        { description: `must be one of ${statuses.join(", ")}` },
      ),
      user_id: ignored,
    },
    strict,
  ),
);

/** A checked `update_status`. */
export function readStatus(payload: unknown): { readonly status: PresenceStatus } | Rejection {
  return status.fits(payload) ? { status: payload.status } : status.refusal(payload);
}
