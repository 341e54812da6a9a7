import type { Event } from "./events.ts";
import type { Message } from "./messages/message.ts";
import type { Rejection } from "./rejection.ts";

/**
 * The answer to a command. Everything that it reports is durable when it is given: results, refusals and duplicates alike.
 * `unchanged`: the message is already as the command wants it. `differs`: the repeated command had another body than the stored message.
 */
export type Outcome =
  | { readonly type: "done"; readonly events: readonly Event[] }
  | { readonly type: "unchanged"; readonly message: Message }
  | { readonly type: "duplicate"; readonly message: Message; readonly differs: boolean }
  | Rejection;

/** Called exactly once per command. */
export type Answer = (outcome: Outcome) => void;
