import { type Command, isAboutMetadata, metBy, sendKeyOf, targetIdOf } from "../../core/commands.ts";
import { type Contact, contactKey } from "../../core/conversations/contact.ts";
import type { ConversationState } from "../../core/conversations/conversation.ts";
import type { Message } from "../../core/messages/message.ts";
import type { KeyUse } from "../../core/messages/recent-keys.ts";
import { untagged } from "../../core/messages/send-key.ts";
import type {
  ActorReads,
  ContactsLookup,
  KeyLookup,
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
import type { Learned, Questions } from "./actor.ts";

/** Null: there is no such conversation. */
interface Loaded {
  readonly state: ConversationState | null;
}

/** What holds a key: under its device, and from before keys named devices. */
interface HeldKeys {
  readonly uses: readonly (KeyLookup & KeyUse)[];
}

/** By `contactKey`. */
interface KeyedContacts {
  readonly contacts: readonly (readonly [string, Contact])[];
}

/** What could be looked up of what commands need, and which commands have to be refused because theirs could not. */
export interface LookedUp {
  readonly learned: Learned;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly concerns: (command: Command) => boolean;
  readonly rejection: Rejection;
}

const loadsAtOnce = 100;
/** The most members of the conversations of one load; those with many members are loaded apart. */
const membersAtOnce = 5_000;
const lightMembers = 500;
/** Small rows, of one read. */
const rowsAtOnce = 500;
/** Messages of one read: each may hold 80 kB, and a thousand reactions. */
const messagesAtOnce = 64;
const metadataAtOnce = 100;
/** Users who are added, of one read. */
const contactsAtOnce = 2_000;
const lightContacts = 200;
const maxWaiting = 200_000;

/**
 * What actors read of the store. Each kind of read is shared by all conversations, which are served in turn. A read that fails
 * for one of them fails for that one alone.
 */
export class Lookups {
  readonly #observer: Observer;
  readonly #states: BatchLoader<string, Loaded>;
  readonly #keys: BatchLoader<KeyLookup, HeldKeys>;
  readonly #targets: BatchLoader<TargetLookup, { readonly message: Message | null }>;
  readonly #contacts: BatchLoader<ContactsLookup, KeyedContacts>;
  readonly #metadata: BatchLoader<string, { readonly metadata: string | null }>;
  readonly #messages: BatchLoader<MessagePlace, { readonly message: Message | null }>;
  readonly #memberships: BatchLoader<MembershipLookup, { readonly isMember: boolean }>;
  /** By conversation. */
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

  /** Rejects with `StoreUnavailable` when the store cannot be reached. */
  state(conversationId: string): Promise<Loaded | Rejection> {
    return this.#orRefusal(this.#states.load(conversationId));
  }

  /** A stored message; null: there is none. Rejects as `state` does. */
  message(place: MessagePlace): Promise<{ readonly message: Message | null } | Rejection> {
    return this.#orRefusal(this.#messages.load(place));
  }

  /** Rejects as `state` does. */
  membership(question: MembershipLookup): Promise<{ readonly isMember: boolean } | Rejection> {
    return this.#orRefusal(this.#memberships.load(question));
  }

  /** Rejects as `state` does. */
  async about(
    conversationId: string,
    { keys, messageIds, contacts: asked, metadata: wantsMetadata }: Questions,
  ): Promise<LookedUp> {
    const failures: Failure[] = [];
    const ids = wantsMetadata ? [conversationId] : [];
    const [found, targets, contacts, metadata] = await Promise.all([
      this.#each(keys, (key) => this.#keys.load(key), hasKey, failures),
      this.#each(
        messageIds,
        (messageId) => this.#targets.load({ conversationId, messageId }),
        isAbout,
        failures,
      ),
      this.#each(asked, (question) => this.#contacts.load(question), isAdding, failures),
      this.#each(
        ids,
        (id) => this.#metadata.load(id),
        () => isAboutMetadata,
        failures,
      ),
    ]);
    const learned = {
      keys: found.flatMap(({ uses }) => uses),
      messages: targets.flatMap(({ message }) => message ?? []),
      contacts: new Map(contacts.flatMap(({ contacts }) => contacts)),
      metadata: metadata[0]?.metadata ?? null,
    };
    return { learned, failures };
  }

  /** What was found; what could not be looked up is added to `failures`. */
  async #each<Asked, Found extends object>(
    asked: readonly Asked[],
    load: (asked: Asked) => Promise<Found | null>,
    concerns: (asked: Asked) => Failure["concerns"],
    failures: Failure[],
  ): Promise<readonly Found[]> {
    const all = await Promise.all(asked.map((each) => this.#orRefusal(load(each))));
    return all.flatMap((found, index) => {
      if (!isRejection(found)) return [found];
      failures.push({ concerns: concerns(asked[index]!), rejection: found });
      return [];
    });
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
    const found = new Map((await reads.loadConversations(ids)).map((state) => [state.id, state]));
    this.#observer.actorLoaded(found.size);
    for (const { id, members } of found.values()) this.#members.learn(id, members.size);
    return ids.map((id) => ({ state: found.get(id) ?? null }));
  }

  /** The refusal of a read that failed for what it asked, alone. */
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
    async load(questions: readonly KeyLookup[]): Promise<readonly HeldKeys[]> {
      const found = new Map((await reads.findKeys(questions)).map((use) => [name(use), use]));
      return questions.map((question) => {
        const names = [name(question), name({ ...question, deviceTag: untagged })];
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
    async load(questions: readonly TargetLookup[]) {
      const messages = await reads.findTargets(questions);
      const found = new Map(messages.map((message) => [`${message.conversationId} ${message.id}`, message]));
      return questions.map((question) => ({ message: found.get(targetName(question)) ?? null }));
    },
    userOf: conversationOf,
    identityOf: targetName,
    clock,
  });
}

function targetName({ conversationId, messageId }: TargetLookup): string {
  return `${conversationId} ${messageId}`;
}

function contactsLoader(reads: ActorReads, clock: Clock) {
  return new BatchLoader({
    async load(questions: readonly ContactsLookup[]): Promise<readonly KeyedContacts[]> {
      const found = await reads.findContacts(questions);
      return questions.map(({ adderId }, index) => ({
        contacts: found[index]!.map((contact) => [contactKey(adderId, contact.userId), contact] as const),
      }));
    },
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
    load: async (questions: readonly MembershipLookup[]) =>
      (await reads.areMembers(questions)).map((isMember) => ({ isMember })),
    userOf: ({ userId }) => userId,
    identityOf: ({ conversationId, userId }) => `${conversationId} ${userId}`,
    clock,
  });
}

function hasKey({ senderId, deviceTag, clientRandom }: KeyLookup): Failure["concerns"] {
  return (command) => {
    const key = command.senderId === senderId ? sendKeyOf(command) : null;
    return key?.deviceTag === deviceTag && key.clientRandom === clientRandom;
  };
}

function isAdding({ adderId, userIds }: ContactsLookup): Failure["concerns"] {
  return (command) => command.senderId === adderId && metBy(command).join() === userIds.join();
}

function isAbout(messageId: string): Failure["concerns"] {
  return (command) => targetIdOf(command) === messageId;
}
