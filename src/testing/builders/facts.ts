import { apply } from "../../core/apply.ts";
import type { Command } from "../../core/commands.ts";
import { needsOf } from "../../core/commands.ts";
import type { Contact } from "../../core/conversations/contact.ts";
import type { ConversationState } from "../../core/conversations/conversation.ts";
import { decide } from "../../core/decide.ts";
import type { Decision } from "../../core/decision.ts";
import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { requoted } from "../../core/messages/quote.ts";
import { KnownFacts } from "../../engine/conversation/known-facts.ts";

/** Facts as an actor has them, with room for 256 keys and no recent messages: what is given was looked up. */
export function someFacts(
  given: { readonly messages?: Iterable<Message>; readonly metadata?: string } = {},
): KnownFacts {
  const facts = new KnownFacts({
    settings: { maxKeys: 256, maxMessages: 0, maxMessageBytes: 0 },
    shared: { max: 0, taken: 0 },
  });
  const messages = new Map([...(given.messages ?? [])].map((message) => [message.id, message]));
  for (const message of messages.values()) facts.learnMessage(message.id, requoted(message, messages));
  if (given.metadata !== undefined) facts.learnMetadata(given.metadata);
  return facts;
}

/**
 * Decides with everything that the command needs: a message that the facts do not know does not exist, and between users there is nothing, but
 * for what is given.
 */
export function decideWith(
  state: ConversationState,
  facts: KnownFacts,
  command: Command,
  nowUs: number,
  given: Partial<Contact> = {},
): Decision {
  const needs = needsOf(command);
  for (const messageId of needs.messages?.(command) ?? [])
    if (!facts.hasMessage(messageId)) facts.learnMessage(messageId, null);
  const nothing = { hasBlocked: false, isBlocked: false, isKnown: false, staysOutUntilUs: null };
  const others = needs.contacts?.(command).userIds ?? [];
  facts.learnContacts(
    command,
    others.map((userId) => ({ userId, ...nothing, ...given })),
  );
  facts.nowUs = nowUs;
  return decide(state, command, facts);
}

/** Moves the state and the facts by what was decided. */
export function applyAll(state: ConversationState, facts: KnownFacts, events: readonly Event[]): void {
  for (const event of events) {
    apply(state, event);
    facts.follow(event);
  }
}
