import type { Event } from "./events.ts";
import type { Message } from "./messages/message.ts";
import type { Rejection } from "./rejection.ts";

/**
 * What comes of a command: events to store, the message that already is as it asks for, the seq of the message that was stored for it before
 * (`joinedSeq`: what its sender sees came after that), or a refusal.
 */
export type Decision =
  | { readonly type: "decided"; readonly events: readonly Event[] }
  | { readonly type: "unchanged"; readonly message: Message }
  | { readonly type: "duplicate"; readonly seq: number; readonly joinedSeq: number }
  | Rejection;
