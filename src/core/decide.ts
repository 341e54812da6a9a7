import { authorize } from "./authorize.ts";
import type { Command } from "./commands.ts";
import type { ConversationState } from "./conversations/conversation.ts";
import type { Event } from "./events.ts";
import { decideSend } from "./messages/send.ts";
import type { Rejection } from "./rejection.ts";

/** What comes of a command: events to store, the seq of the message that already answers it, or a refusal. */
export type Decision =
  | { readonly type: "decided"; readonly events: readonly Event[] }
  | { readonly type: "duplicate"; readonly seq: number }
  | Rejection;

/** Pure and synchronous: the same state, command and instant (microseconds) always give the same decision. */
export function decide(state: ConversationState, command: Command, nowUs: number): Decision {
  const refusal = authorize[command.type](state.members.get(command.senderId) ?? null, state);
  if (refusal) return refusal;
  switch (command.type) {
    case "send_message":
      return decideSend(state, command, nowUs);
  }
}
