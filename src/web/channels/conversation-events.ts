import type { Observer } from "../../core/ports/observer.ts";
import type { Gate } from "../gate.ts";
import { conversationOf } from "../realtime/topics.ts";
import { Events } from "./events.ts";
import { type MarkEventsOptions, markEvents } from "./mark-events.ts";
import { type MessageEventsOptions, messageEvents } from "./message-events.ts";
import { type SettingsEventsOptions, settingsEvents } from "./settings-events.ts";
import { type TypingEventsOptions, typingEvents } from "./typing-events.ts";

export type ConversationEventsOptions = Omit<
  MarkEventsOptions & MessageEventsOptions & SettingsEventsOptions & TypingEventsOptions,
  "conversationOf"
> & {
  readonly gate: Gate;
  readonly observer: Observer;
};

/** Everything that a conversation's topic answers to. */
export function conversationEvents(options: ConversationEventsOptions): Events {
  const own = { ...options, conversationOf };
  const acts = [...messageEvents(own), ...markEvents(own), ...settingsEvents(own), ...typingEvents(own)];
  return new Events({ ...options, acts });
}
