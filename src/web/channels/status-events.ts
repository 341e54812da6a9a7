import { isRejection } from "../../core/rejection.ts";
import type { Reading } from "../payload-shape.ts";
import { readStatus } from "../payloads/status.ts";
import type { Presences } from "../realtime/presences.ts";
import type { Act, Acts } from "./events.ts";

export interface StatusEventsOptions extends Reading {
  readonly presences: Pick<Presences, "setStatus">;
}

/** What a user says of himself, for all his devices, until the last one is gone. */
export function statusEvents(options: StatusEventsOptions): Acts {
  const update: Act = (push) => {
    const body = readStatus(push.payload, options);
    if (isRejection(body)) return body;
    options.presences.setStatus(push.identity, body.status);
    push.reply(true, `{"status":"${body.status}"}`);
    return null;
  };
  return [["update_status", update]];
}
