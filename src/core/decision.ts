import type { Event } from "./events.ts";
import type { Message } from "./messages/message.ts";
import type { Rejection } from "./rejection.ts";

/**
 * The decision on a command.
 *
 * - `decided`: these events are to be stored.
 * - `unchanged`: the message is already as the command wants it.
 * - `duplicate`: the command was stored before, as the message at `seq`. Its sender sees the messages after `joinedSeq`.
 * - or a refusal.
 */
export type Decision =
  | { readonly type: "decided"; readonly events: readonly Event[] }
  | { readonly type: "unchanged"; readonly message: Message }
  | { readonly type: "duplicate"; readonly seq: number; readonly joinedSeq: number }
  | Rejection;
