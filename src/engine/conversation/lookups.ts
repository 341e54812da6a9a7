import type { Contact } from "../../core/conversations/contact.ts";
import type { Message } from "../../core/messages/message.ts";
import { type KeyUse, untagged } from "../../core/messages/send-key.ts";
import type {
  ActorReads,
  ContactsLookup,
  KeyLookup,
  LoadedConversation,
  MembershipLookup,
  MessagePlace,
  TargetLookup,
} from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { BatchLoader, type BatchLoaderOptions } from "../reads/batch-loader.ts";
import { LearnedWeights } from "../reads/learned-weights.ts";
import { overloaded, tooSlow, undecidable } from "../refusals.ts";

/** Null: there is no such conversation. */
interface Loaded {
  readonly conversation: LoadedConversation | null;
}

/** The stored uses of a key: under its device, and from before keys named devices. */
interface HeldKeys {
  readonly uses: readonly (KeyLookup & KeyUse)[];
}

interface FoundMessage {
  /** Null: there is none. */
  readonly message: Message | null;
}

interface FoundContacts {
  readonly contacts: readonly Contact[];
}

interface FoundMetadata {
  readonly metadata: string;
}

const loadsAtOnce = 100;
/** The most members of the conversations of one load; those with many members are loaded apart. */
const membersAtOnce = 5_000;
const lightMembers = 500;
/** The most small rows of one read. */
const rowsAtOnce = 500;
/** The most messages of one read: each may hold 80 kB, and a thousand reactions. */
const messagesAtOnce = 64;
const metadataAtOnce = 100;
/** The most users whose contacts are found in one read. */
const contactsAtOnce = 2_000;
const lightContacts = 200;
const maxWaiting = 200_000;

/**
 * The reads of actors from the store. Each kind of read is shared by all conversations, which are served in turn. A read that fails
 * for one of them fails for that one alone.
 */
export class Lookups {
  readonly #observer: Observer;
  readonly #states: BatchLoader<string, Loaded>;
  readonly #keys: BatchLoader<KeyLookup, HeldKeys>;
  readonly #targets: BatchLoader<TargetLookup, FoundMessage>;
  readonly #contacts: BatchLoader<ContactsLookup, FoundContacts>;
  readonly #metadata: BatchLoader<string, { readonly metadata: string | null }>;
  readonly #messages: BatchLoader<MessagePlace, FoundMessage>;
  readonly #memberships: BatchLoader<MembershipLookup, { readonly isMember: boolean }>;
  /** The number of members, by conversation. */
  readonly #members = new LearnedWeights({ initial: 2 });

  constructor(options: {
    readonly reads: ActorReads;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    const { reads, clock, observer } = options;
    this.#observer = observer;
    this.#states = this.#statesLoader(reads, clock);
    this.#keys = keysLoader(reads, clock);
    this.#targets = targetsLoader(reads, clock);
    this.#contacts = contactsLoader(reads, clock);
    this.#metadata = metadataLoader(reads, clock);
    this.#messages = messagesLoader(reads, clock);
    this.#memberships = membershipsLoader(reads, clock);
  }

  /** Rejects with `StoreUnavailable` when the store cannot be reached, as all of these do. */
  state(conversationId: string): Promise<Loaded | Rejection> {
    return this.#orRefusal(this.#states.load(conversationId));
  }

  /** Returns a stored message by its place. */
  message(place: MessagePlace): Promise<FoundMessage | Rejection> {
    return this.#orRefusal(this.#messages.load(place));
  }

  membership(lookup: MembershipLookup): Promise<{ readonly isMember: boolean } | Rejection> {
    return this.#orRefusal(this.#memberships.load(lookup));
  }

  /** Returns a stored message by its id. */
  target(lookup: TargetLookup): Promise<FoundMessage | Rejection> {
    return this.#orRefusal(this.#targets.load(lookup));
  }

  keys(lookup: KeyLookup): Promise<HeldKeys | Rejection> {
    return this.#orRefusal(this.#keys.load(lookup));
  }

  /** Returns the contacts in the order of the users. */
  contacts(lookup: ContactsLookup): Promise<FoundContacts | Rejection> {
    return this.#orRefusal(this.#contacts.load(lookup));
  }

  /** Returns the metadata of a conversation that its actor has loaded. A conversation that does not exist is a bug here. */
  async metadata(conversationId: string): Promise<FoundMetadata | Rejection> {
    const found = await this.#orRefusal(this.#metadata.load(conversationId));
    if (isRejection(found)) return found;
    const { metadata } = found;
    return metadata === null ? undecidable : { metadata };
  }

  #statesLoader(reads: ActorReads, clock: Clock): BatchLoader<string, Loaded> {
    return new BatchLoader({
      load: (ids) => this.#loadStates(reads, ids),
      weigh: (id) => this.#members.of(id),
      maxWeight: membersAtOnce,
      maxLightWeight: lightMembers,
      maxRequests: loadsAtOnce,
      maxWaiting,
      userOf: (id) => id,
      clock,
    });
  }

  async #loadStates(reads: ActorReads, ids: readonly string[]): Promise<readonly Loaded[]> {
    const loaded = await reads.loadConversations(ids);
    const found = new Map(loaded.map((conversation) => [conversation.state.id, conversation]));
    this.#observer.actorLoaded(found.size);
    for (const { state } of found.values()) this.#members.learn(state.id, state.members.size);
    return ids.map((id) => ({ conversation: found.get(id) ?? null }));
  }

  /** Turns a failure into a refusal; only `StoreUnavailable` is thrown on, except for a read that took too long. */
  async #orRefusal<T extends object>(loading: Promise<T | null>): Promise<T | Rejection> {
    try {
      return (await loading) ?? overloaded;
    } catch (error) {
      if (error instanceof StoreTimedOut) return tooSlow;
      if (error instanceof StoreUnavailable) throw error;
      this.#observer.bug("looking up what a command is about", error);
      return undecidable;
    }
  }
}

function countedTo<Request>(
  maxRequests: number,
): Pick<BatchLoaderOptions<Request, never>, "weigh" | "maxWeight" | "maxRequests" | "maxWaiting"> {
  return { weigh: () => 1, maxWeight: maxRequests, maxRequests, maxWaiting };
}

function conversationOf({ conversationId }: { readonly conversationId: string }): string {
  return conversationId;
}

function keysLoader(reads: ActorReads, clock: Clock) {
  const name = ({ conversationId, senderId, deviceTag, clientRandom }: KeyLookup) =>
    `${conversationId} ${senderId} ${deviceTag} ${clientRandom}`;
  return new BatchLoader({
    ...countedTo<KeyLookup>(rowsAtOnce),
    async load(lookups: readonly KeyLookup[]): Promise<readonly HeldKeys[]> {
      const found = new Map((await reads.findKeys(lookups)).map((use) => [name(use), use]));
      return lookups.map((lookup) => {
        const names = [name(lookup), name({ ...lookup, deviceTag: untagged })];
        return { uses: names.flatMap((each) => found.get(each) ?? []) };
      });
    },
    userOf: conversationOf,
    identityOf: name,
    clock,
  });
}

function targetsLoader(reads: ActorReads, clock: Clock) {
  return new BatchLoader({
    ...countedTo<TargetLookup>(messagesAtOnce),
    load: async (lookups: readonly TargetLookup[]) =>
      (await reads.findTargets(lookups)).map((message) => ({ message })),
    userOf: ({ conversationId, viewerId }) => viewerId ?? conversationId,
    identityOf: ({ conversationId, messageId, viewerId }) => `${conversationId} ${messageId} ${viewerId}`,
    clock,
  });
}

function contactsLoader(reads: ActorReads, clock: Clock) {
  return new BatchLoader({
    load: async (lookups: readonly ContactsLookup[]) =>
      (await reads.findContacts(lookups)).map((contacts) => ({ contacts })),
    weigh: ({ userIds }) => userIds.length,
    maxWeight: contactsAtOnce,
    maxLightWeight: lightContacts,
    maxRequests: loadsAtOnce,
    maxWaiting,
    userOf: ({ adderId }) => adderId,
    clock,
  });
}

function metadataLoader(reads: ActorReads, clock: Clock) {
  return new BatchLoader({
    ...countedTo<string>(metadataAtOnce),
    load: async (ids: readonly string[]) => (await reads.readMetadata(ids)).map((metadata) => ({ metadata })),
    userOf: (id) => id,
    clock,
  });
}

function messagesLoader(reads: ActorReads, clock: Clock) {
  return new BatchLoader({
    ...countedTo<MessagePlace>(messagesAtOnce),
    load: async (places: readonly MessagePlace[]) =>
      (await reads.readMessages(places)).map((message) => ({ message })),
    userOf: conversationOf,
    identityOf: ({ conversationId, seq }) => `${conversationId} ${seq}`,
    clock,
  });
}

function membershipsLoader(reads: ActorReads, clock: Clock) {
  return new BatchLoader({
    ...countedTo<MembershipLookup>(rowsAtOnce),
    load: async (lookups: readonly MembershipLookup[]) =>
      (await reads.areMembers(lookups)).map((isMember) => ({ isMember })),
    userOf: ({ userId }) => userId,
    identityOf: ({ conversationId, userId }) => `${conversationId} ${userId}`,
    clock,
  });
}
