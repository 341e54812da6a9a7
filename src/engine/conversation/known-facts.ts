import { type Command, needsOf } from "../../core/commands.ts";
import { type Contact, contactKey } from "../../core/conversations/contact.ts";
import { contactAfter } from "../../core/conversations/contacts.ts";
import type { MemberRecord } from "../../core/conversations/conversation.ts";
import { changesMessage, type Event } from "../../core/events.ts";
import type { Facts, MessageRef } from "../../core/facts.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import { requoted } from "../../core/messages/quote.ts";
import type { KeyUse, SendKey } from "../../core/messages/send-key.ts";
import type { SentKey } from "../../core/ports/actor-reads.ts";
import { RecentKeys } from "./recent-keys.ts";
import { RecentMessages, type SharedBytes } from "./recent-messages.ts";
import { SuspectKeys } from "./suspect-keys.ts";

/** How much an actor remembers of its decisions, to save look-ups. */
export interface MemorySettings {
  /** The most uses of send keys of one conversation. */
  readonly maxKeys: number;
  /** The most messages of one conversation. */
  readonly maxMessages: number;
  /** The most bytes of these messages, about. */
  readonly maxMessageBytes: number;
}

export const actorMemory: MemorySettings = { maxKeys: 256, maxMessages: 32, maxMessageBytes: 128 << 10 };

/** The facts that were looked up for the waiting commands. They are dropped with these: contents, and a thousand reactions each, can be large. */
class LookedUp {
  /** By id; null: there is none. */
  readonly messages = new Map<string, Message | null>();
  /** By `refKey`; null: there is none that the viewer sees. */
  readonly elsewhere = new Map<string, Message | null>();
  readonly contacts = new Map<string, Contact>();
  /** Ids of the commands whose contacts were looked up. Others change contacts at any time: later commands have theirs looked up afresh. */
  readonly contactsFor = new Set<string>();
  readonly keys = new Set<string>();
  metadata: string | null = null;
}

/**
 * The facts that one actor knows: what it remembers of its own decisions, and what was looked up for the waiting commands. They follow each
 * event that is decided, so that later commands see what earlier ones changed.
 */
export class KnownFacts implements Facts {
  nowUs = 0;
  /** The revision up to which everything is stored. */
  durableRev = -1;
  readonly #maxKeys: number;
  readonly #suspects = new SuspectKeys();
  readonly #recent: RecentMessages;
  #keys: RecentKeys;
  #lookedUp: LookedUp | null = null;

  constructor({ settings, shared }: { readonly settings: MemorySettings; readonly shared: SharedBytes }) {
    const { maxKeys, maxMessages, maxMessageBytes: maxBytes } = settings;
    this.#maxKeys = maxKeys;
    this.#keys = new RecentKeys({ capacity: maxKeys });
    this.#recent = new RecentMessages({ maxMessages, maxBytes, shared });
  }

  /** About how many bytes of memory it takes, without the recent messages. */
  get bytes(): number {
    return this.#keys.bytes;
  }

  /** About how many bytes the recent messages take. They count in `SharedBytes`. */
  get messageBytes(): number {
    return this.#recent.bytes;
  }

  message(messageId: string): Message | null {
    const message = this.#recent.get(messageId) ?? this.#lookedUp?.messages.get(messageId);
    return message === undefined ? notLookedUp("a message") : message;
  }

  messageElsewhere(ref: MessageRef, viewerId: string): Message | null {
    const message = this.#lookedUp?.elsewhere.get(refKey(ref, viewerId));
    return message === undefined ? notLookedUp("a message of another conversation") : message;
  }

  contact(adderId: string, userId: string): Contact {
    return this.#lookedUp?.contacts.get(contactKey(adderId, userId)) ?? notLookedUp("a contact");
  }

  metadata(): string {
    return this.#lookedUp?.metadata ?? notLookedUp("the conversation's metadata");
  }

  earlierSend(senderId: string, key: SendKey): KeyUse | null {
    return this.#keys.find(senderId, key) ?? null;
  }

  keyHolder(senderId: string, key: SendKey): KeyUse | null {
    return this.#keys.holder(senderId, key) ?? null;
  }

  /** Returns whether all facts that the command needs are known. Runs for every command: allocates nothing for a send that answers none. */
  cover(command: Command): boolean {
    const { messages, elsewhere, contacts, metadata } = needsOf(command);
    if (messages) for (const messageId of messages(command)) if (!this.hasMessage(messageId)) return false;
    if (this.mustCheckKey(command)) return false;
    if (metadata && !this.hasMetadata) return false;
    if (contacts && !this.hasContactsFor(command)) return false;
    return !elsewhere || elsewhere(command).every((ref) => this.hasElsewhere(ref, command.senderId));
  }

  /** A message counts when the change by which it came is durable: one statement cannot change a message that it stores. */
  hasMessage(messageId: string): boolean {
    const recent = this.#recent.get(messageId);
    if (recent && recent.createdRev <= this.durableRev) return true;
    return this.#lookedUp?.messages.has(messageId) === true;
  }

  hasElsewhere(ref: MessageRef, viewerId: string): boolean {
    return this.#lookedUp?.elsewhere.has(refKey(ref, viewerId)) === true;
  }

  hasContactsFor({ id }: Pick<Command, "id">): boolean {
    return this.#lookedUp?.contactsFor.has(id) === true;
  }

  get hasMetadata(): boolean {
    return this.#lookedUp !== null && this.#lookedUp.metadata !== null;
  }

  /** Returns whether the store must be asked about the command's key: its sender is suspected, and memory does not know the key. */
  mustCheckKey(command: Command): boolean {
    const { senderId } = command;
    if (!this.#suspects.has(senderId)) return false;
    const key = needsOf(command).sendKey?.(command);
    if (!key || this.#keys.find(senderId, key)) return false;
    return this.#lookedUp?.keys.has(keyName(senderId, key)) !== true;
  }

  /** The store knew a key of this sender that memory had forgotten: for a while the store is asked first. */
  suspect(senderId: string): void {
    this.#suspects.suspect(senderId);
  }

  learnMessage(messageId: string, message: Message | null): void {
    this.#found.messages.set(messageId, message);
  }

  learnElsewhere(ref: MessageRef, viewerId: string, message: Message | null): void {
    this.#found.elsewhere.set(refKey(ref, viewerId), message);
  }

  learnContacts({ id, senderId }: Pick<Command, "id" | "senderId">, contacts: readonly Contact[]): void {
    this.#found.contactsFor.add(id);
    for (const contact of contacts) this.#found.contacts.set(contactKey(senderId, contact.userId), contact);
  }

  learnMetadata(metadata: string): void {
    this.#found.metadata = metadata;
  }

  /** `uses`: the stored uses. Remembers each only once: a key that is learned again must not push out others. */
  learnKey(senderId: string, key: SendKey, uses: readonly KeyUse[]): void {
    this.#suspects.useUp(senderId);
    this.#found.keys.add(keyName(senderId, key));
    for (const use of uses) {
      const held = { ...key, deviceTag: use.deviceTag };
      if (this.#keys.holder(senderId, held)?.seq !== use.seq)
        this.#keys.remember(senderId, key.clientRandom, use);
    }
  }

  get #found(): LookedUp {
    this.#lookedUp ??= new LookedUp();
    return this.#lookedUp;
  }

  /** Moves the facts by one event, in the order in which events are decided. */
  follow(event: Event): void {
    if (changesMessage(event)) return this.#messageChanged(event.message);
    switch (event.type) {
      case "message_sent":
        return this.#messageSent(event);
      case "conversation_changed":
        if (this.#lookedUp && this.hasMetadata) this.#lookedUp.metadata = event.conversation.metadata;
        return;
      case "conversation_deactivated":
        return;
      default:
        if (event.member.leftSeq !== null) this.#membershipEnded(event.member);
    }
  }

  #messageSent(event: MessageSent): void {
    if (event.clientRandom !== null) this.#keys.remember(event.senderId, event.clientRandom, event);
    // A command that waited behind the send may have looked this message up and found none.
    this.#lookedUp?.messages.delete(event.id);
    this.#recent.add(event);
  }

  /** Also renews the quotes of it in other messages. */
  #messageChanged(message: Message): void {
    this.#recent.changed(message);
    const known = this.#lookedUp?.messages;
    if (!known) return;
    if (known.has(message.id)) known.set(message.id, message);
    const changed = new Map([[message.id, message]]);
    for (const [id, each] of known)
      if (each?.replyTo?.id === message.id) known.set(id, requoted(each, changed));
  }

  #membershipEnded(member: MemberRecord): void {
    const contacts = this.#lookedUp?.contacts;
    if (!contacts) return;
    for (const [key, contact] of contacts)
      if (contact.userId === member.userId) contacts.set(key, contactAfter(contact, member));
  }

  /** Drops the looked-up facts. Messages stay in memory as recent ones, as far as there is room. */
  forgetLookedUp(): void {
    if (!this.#lookedUp) return;
    for (const [id, message] of this.#lookedUp.messages)
      if (message && !this.#recent.get(id)) this.#recent.add(message);
    this.#lookedUp = null;
  }

  /** Drops the recent messages. They are looked up again when they are needed. */
  forgetMessages(): void {
    this.#recent.forget();
  }

  /** Remembers the uses of keys that were loaded with a state, the newest last. */
  loaded(uses: readonly SentKey[]): void {
    for (const use of uses) this.#keys.remember(use.senderId, use.clientRandom, use);
  }

  /** Drops everything but the suspected senders. */
  forget(): void {
    this.#recent.forget();
    this.#lookedUp = null;
    this.#keys = new RecentKeys({ capacity: this.#maxKeys });
  }
}

function notLookedUp(what: string): never {
  throw new Error(`${what} was not looked up: does the rule of the command say that it needs it?`);
}

function refKey({ conversationId, messageId }: MessageRef, viewerId: string): string {
  return `${conversationId} ${messageId} ${viewerId}`;
}

function keyName(senderId: string, { deviceTag, clientRandom }: SendKey): string {
  return `${senderId} ${deviceTag} ${clientRandom}`;
}
