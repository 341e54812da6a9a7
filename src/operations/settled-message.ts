import type { Message } from "../core/messages/message.ts";
import type { Settled } from "./command.ts";
import { messageIn } from "./outcome-message.ts";

/** The message that a command is about, as it is now. */
export function messageAfter(settled: Settled): Message {
  if (settled.type !== "done") return settled.message;
  return messageIn(settled.events)!;
}
