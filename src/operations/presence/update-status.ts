import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import type { PresenceStatus } from "../../core/ports/presence.ts";
import { isRejection, reject } from "../../core/rejection.ts";
import { ignored } from "../fields.ts";
import type { Operation } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import { closed, oneOf } from "../views/schemas.ts";

const statuses = ["online", "away", "busy", "offline"] as const satisfies readonly PresenceStatus[];
const allowed = `must be one of ${statuses.join(", ")}`;

/** Another status is refused by a code of its own, so it is checked here. */
const payload = new PayloadShape({
  operation: "update_status",
  example: { status: "away" },
  schema: Type.Object({
    status: Type.Unknown({ description: allowed, enum: statuses }),
    user_id: ignored,
  }),
});

export const updateStatus: Operation = {
  name: "update_status",
  summary: "Sets how you show to others, for all your devices.",
  description: "It lasts until your last device is gone.",
  costs: costs.status,
  authorizedAs: ["join_user"],
  refuses: ["invalid_status"],
  rest: [],
  channel: [
    {
      topic: "user",
      events: ["update_status"],
      payload,
      reply: closed({ status: oneOf(statuses) }),
      receive(event, { presences, observer }, _charge, answer) {
        const body = payload.parse(event.payload, observer);
        if (isRejection(body)) return answer(body);
        const status = statuses.find((each) => each === body.status);
        if (!status) return answer(unknownStatus);
        presences.setStatus(event.identity, status);
        answer(`{"status":"${status}"}`);
      },
    },
  ],
};

const unknownStatus = reject("invalid_status", `status ${allowed}.`, { details: { status: allowed } });
