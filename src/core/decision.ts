import type { Event } from "./events.ts";
import type { Rejection } from "./rejection.ts";

/** What comes of a command: events to store, the seq of the message that already answers it, or a refusal. */
export type Decision =
  | { readonly type: "decided"; readonly events: readonly Event[] }
  | { readonly type: "duplicate"; readonly seq: number }
  | Rejection;
