import { type Command, needsOf } from "../../core/commands.ts";
import type { MessageRef } from "../../core/facts.ts";
import type { SendKey } from "../../core/messages/send-key.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { ContactsNeed } from "../../core/rule.ts";
import type { KnownFacts } from "./known-facts.ts";
import type { Lookups } from "./lookups.ts";

/** A fact that the store is asked for. Look-ups of one conversation with the same name are the same. */
export interface FactLookup {
  readonly kind: keyof typeof maxAtOnce;
  readonly name: string;
  /** Returns a function that learns the result, or a refusal. Rejects with `StoreUnavailable`. */
  readonly load: (lookups: Lookups) => Promise<Learn | Rejection>;
}

export type Learn = (facts: KnownFacts) => void;

/** The most look-ups of one conversation at once. */
const maxAtOnce = {
  /** Well below the number of remembered keys: a learned key must not be forgotten before it is used. */
  key: 100,
  /** Each may hold 64 KiB and a thousand reactions. */
  message: 32,
  /** Each may add a thousand members. */
  contacts: 4,
  metadata: 1,
};

/**
 * Returns the look-ups that the first of the commands need and that the facts do not hold, by name, so that a storm of repeats costs few reads.
 * They must be made when everything that was decided is durable.
 */
export function missingFacts(
  facts: KnownFacts,
  commands: readonly Command[],
): ReadonlyMap<string, FactLookup> {
  const missing = new Map<string, FactLookup>();
  const left = { ...maxAtOnce };
  for (const command of commands) {
    for (const lookup of missingFactsOf(facts, command)) {
      if (missing.has(lookup.name)) continue;
      missing.set(lookup.name, lookup);
      left[lookup.kind]--;
    }
    if (left.key <= 0 || left.message <= 0 || left.contacts <= 0) break;
  }
  return missing;
}

/** Returns the look-ups that one command needs and that the facts do not hold. */
export function missingFactsOf(
  facts: KnownFacts,
  command: Command,
  needs = needsOf(command),
): readonly FactLookup[] {
  const { conversationId, senderId } = command;
  const missing: FactLookup[] = [];
  for (const messageId of needs.messages?.(command) ?? [])
    if (!facts.hasMessage(messageId)) missing.push(ownMessage({ conversationId, messageId }));
  for (const ref of needs.elsewhere?.(command) ?? [])
    if (!facts.hasElsewhere(ref, senderId)) missing.push(messageElsewhere(ref, senderId));
  const contacts = needs.contacts?.(command);
  if (contacts && !facts.hasContactsFor(command)) missing.push(contactsOf(command, contacts));
  if (needs.metadata && !facts.hasMetadata) missing.push(metadata(conversationId));
  if (facts.mustCheckKey(command)) missing.push(sendKey(command, needs.sendKey!(command)!));
  return missing;
}

function ownMessage(ref: MessageRef): FactLookup {
  return fact(
    "message",
    ref.messageId,
    (lookups) => lookups.target({ ...ref, viewerId: null }),
    (facts, { message }) => facts.learnMessage(ref.messageId, message),
  );
}

function messageElsewhere(ref: MessageRef, viewerId: string): FactLookup {
  return fact(
    "message",
    `${ref.conversationId} ${ref.messageId} ${viewerId}`,
    (lookups) => lookups.target({ ...ref, viewerId }),
    (facts, { message }) => facts.learnElsewhere(ref, viewerId, message),
  );
}

/** Named by the command: a block that is stored meanwhile must count for a command that arrives after this look-up has begun. */
function contactsOf(command: Command, need: ContactsNeed): FactLookup {
  const { id, conversationId, senderId: adderId } = command;
  return fact(
    "contacts",
    id,
    (lookups) => lookups.contacts({ conversationId, adderId, ...need }),
    (facts, { contacts }) => facts.learnContacts(command, contacts),
  );
}

function metadata(conversationId: string): FactLookup {
  return fact(
    "metadata",
    "metadata",
    (lookups) => lookups.metadata(conversationId),
    (facts, { metadata: text }) => facts.learnMetadata(text),
  );
}

function sendKey({ conversationId, senderId }: Command, key: SendKey): FactLookup {
  return fact(
    "key",
    `${senderId} ${key.deviceTag} ${key.clientRandom}`,
    (lookups) => lookups.keys({ conversationId, senderId, ...key }),
    (facts, { uses }) => facts.learnKey(senderId, key, uses),
  );
}

function fact<Found extends object>(
  kind: FactLookup["kind"],
  name: string,
  ask: (lookups: Lookups) => Promise<Found | Rejection>,
  learn: (facts: KnownFacts, found: Found) => void,
): FactLookup {
  return {
    kind,
    name: `${kind} ${name}`,
    async load(lookups) {
      const found = await ask(lookups);
      return isRejection(found) ? found : (facts) => learn(facts, found);
    },
  };
}
