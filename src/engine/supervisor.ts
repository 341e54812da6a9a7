import { noSuchConversation } from "../core/authorize.ts";
import type { ConversationState } from "../core/conversations/conversation.ts";
import type { MemberChanged } from "../core/conversations/member-changed.ts";
import type { Message } from "../core/messages/message.ts";
import { asSeenFrom } from "../core/messages/quote.ts";
import { differsFrom } from "../core/messages/send.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { ActorReads, MembershipQuestion, MessagePlace } from "../core/ports/store.ts";
import { isRejection } from "../core/rejection.ts";
import { Actor, type Entry, type Learned, type Questions, type Surroundings } from "./actor.ts";
import { BatchLoader } from "./batch-loader.ts";
import { LearnedWeights } from "./learned-weights.ts";
import type { Turn } from "./mailbox.ts";
import { orUnavailable } from "./or-unavailable.ts";
import type { Outcome } from "./outcome.ts";
import { membersUnsettled, overloaded, undecidable, unreadable } from "./refusals.ts";

export interface SupervisorSettings {
  /** The most conversations in memory. */
  readonly maxActors: number;
  /** The most unsettled commands of one conversation. */
  readonly maxTurnsPerActor: number;
}

/** Null: there is no such conversation. */
interface Loaded {
  readonly state: ConversationState | null;
}

/** How often deadlines are looked at and idle actors are let go. */
const sweepMs = 250;
const loadsAtOnce = 100;
/** The most members of the conversations of one load; those of many members are loaded apart. */
const membersAtOnce = 5_000;
const lightMembers = 500;
/** Each may hold 80 kB. */
const duplicatesAtOnce = 50;
const membershipsAtOnce = 500;
const maxWaitingReads = 100_000;
const retryPauseMs = 100;

/** Starts actors on demand, loads them, lets the longest idle go when there are too many, and ends waiting at deadlines. */
export class Supervisor {
  readonly #actors = new Map<string, Actor>();
  readonly #reads: ActorReads;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #settings: SupervisorSettings;
  readonly #around: Surroundings;
  readonly #loads: BatchLoader<string, Loaded>;
  /** By conversation. */
  readonly #members = new LearnedWeights({ initial: 2 });
  readonly #duplicates: BatchLoader<MessagePlace, Message | null>;
  readonly #memberships: BatchLoader<MembershipQuestion, { readonly isMember: boolean }>;
  #cancelSweep: () => void = () => {};
  #stopped = false;

  constructor(options: {
    readonly reads: ActorReads;
    readonly ownership: Ownership;
    readonly clock: Clock;
    readonly observer: Observer;
    readonly pubsub: PubSub;
    readonly settings: SupervisorSettings;
    readonly commit: (entry: Entry) => void;
    readonly sent: (message: Message) => void;
    readonly left: (event: MemberChanged) => void;
  }) {
    const { reads, ownership, clock, observer, pubsub, settings, commit, sent, left } = options;
    this.#reads = reads;
    this.#clock = clock;
    this.#observer = observer;
    this.#settings = settings;
    this.#loads = new BatchLoader({
      load: (ids) => this.#load(ids),
      weigh: (id) => this.#members.of(id),
      maxWeight: membersAtOnce,
      maxLightWeight: lightMembers,
      maxRequests: loadsAtOnce,
      maxWaiting: maxWaitingReads,
      userOf: (id) => id,
      clock,
    });
    this.#duplicates = new BatchLoader({
      load: (asked) => reads.readMessages(asked),
      weigh: () => 1,
      maxWeight: duplicatesAtOnce,
      maxRequests: duplicatesAtOnce,
      maxWaiting: maxWaitingReads,
      userOf: ({ conversationId }) => conversationId,
      clock,
    });
    this.#memberships = new BatchLoader({
      load: async (asked) => (await reads.areMembers(asked)).map((isMember) => ({ isMember })),
      weigh: () => 1,
      maxWeight: membershipsAtOnce,
      maxRequests: membershipsAtOnce,
      maxWaiting: maxWaitingReads,
      userOf: ({ userId }) => userId,
      clock,
    });
    this.#around = {
      clock,
      observer,
      pubsub,
      commit,
      sent,
      left,
      maxTurns: settings.maxTurnsPerActor,
      mayDecide: () => ownership.isHeld(),
      reload: (actor) => void this.#reload(actor),
      probe: (actor, questions) => void this.#probe(actor, questions),
      answerDuplicate: (turn, { seq, joinedSeq }) =>
        void this.#answerLater(turn, () => this.#duplicateOf(turn, seq, joinedSeq)),
      refuseStranger: (turn) => void this.#answerLater(turn, () => this.#refuseStranger(turn)),
    };
    ownership.onChange((held) => {
      if (held) this.#startAfresh();
    });
    this.#sweepLater();
  }

  get actors(): number {
    return this.#actors.size;
  }

  /** The conversation's actor, started when there is none; null when there are too many and none of them is idle. */
  actor(conversationId: string): Actor | null {
    const running = this.#actors.get(conversationId);
    if (running) return running;
    if (this.#actors.size >= this.#settings.maxActors && !this.#passivate()) return null;
    const actor = new Actor({ id: conversationId, around: this.#around });
    this.#actors.set(conversationId, actor);
    this.#around.reload(actor);
    return actor;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSweep();
  }

  /** What was remembered before the right to decide was gained may have been overtaken by another node. */
  #startAfresh(): void {
    for (const actor of this.#actors.values()) {
      if (actor.isIdle) this.#actors.delete(actor.id);
      else actor.invalidate();
    }
  }

  /** Ends when it brought a state, or when another asking or another actor has taken its place: what it would bring is overtaken. */
  async #reload(actor: Actor): Promise<void> {
    const { generation } = actor;
    const isWanted = () => this.#actors.get(actor.id) === actor && actor.generation === generation;
    while (!this.#stopped && isWanted()) {
      try {
        const loaded = await this.#loads.load(actor.id);
        if (!isWanted()) return;
        if (loaded?.state) return actor.loaded(loaded.state);
        if (loaded) return this.#forget(actor);
        await this.#pause();
      } catch (error) {
        this.#observer.note("conversations cannot be loaded", { reason: String(error) });
        await this.#pause();
        if (isWanted() && actor.isIdle) this.#actors.delete(actor.id);
      }
    }
  }

  #forget(actor: Actor): void {
    this.#actors.delete(actor.id);
    actor.absent();
  }

  async #load(ids: readonly string[]): Promise<readonly Loaded[]> {
    const found = new Map((await this.#reads.loadConversations(ids)).map((state) => [state.id, state]));
    this.#observer.actorLoaded(found.size);
    for (const { id, members } of found.values()) this.#members.learn(id, members.size);
    return ids.map((id) => ({ state: found.get(id) ?? null }));
  }

  async #probe(actor: Actor, questions: Questions): Promise<void> {
    const { generation } = actor;
    const learned = await this.#lookUp(actor.id, questions);
    // What was read of a state that is gone by now says nothing of the next one, which asks for itself.
    if (learned)
      actor.learned(
        actor.generation === generation ? learned : { keys: learned.keys, messages: [], metadata: null },
      );
  }

  /** Null: this is stopping, and nobody waits for it any more. */
  async #lookUp(conversationId: string, { keys, messageIds, metadata }: Questions): Promise<Learned | null> {
    const asked = messageIds.map((messageId) => ({ conversationId, messageId }));
    while (!this.#stopped) {
      try {
        return {
          keys: keys.length > 0 ? await this.#reads.findKeys(keys) : [],
          messages: asked.length > 0 ? await this.#reads.findTargets(asked) : [],
          metadata: metadata ? await this.#reads.readMetadata(conversationId) : null,
        };
      } catch (error) {
        this.#observer.note("what commands are about cannot be looked up", { reason: String(error) });
        await this.#pause();
      }
    }
    return null;
  }

  /**
   * The store decides who is a stranger: memory may be behind it when the right to serve has moved and this process has not noticed. A read
   * like the one that finds no conversation, so that its time tells a stranger nothing either.
   */
  async #refuseStranger({ command }: Turn): Promise<Outcome> {
    const { conversationId, senderId: userId } = command;
    const found = await orUnavailable(this.#memberships.load({ conversationId, userId }));
    if (!found) return overloaded;
    if (isRejection(found)) return found;
    if (!found.isMember) return noSuchConversation;
    const actor = this.#actors.get(conversationId);
    if (!actor?.hasMember(userId)) actor?.invalidate();
    return membersUnsettled;
  }

  async #duplicateOf({ command }: Turn, seq: number, joinedSeq: number): Promise<Outcome> {
    this.#observer.commandDuplicate();
    try {
      const message = await this.#duplicates.load({ conversationId: command.conversationId, seq });
      if (!message) return unreadable;
      const differs = command.type !== "send_message" || differsFrom(message, command);
      return { type: "duplicate", message: asSeenFrom(message, joinedSeq), differs };
    } catch {
      return unreadable;
    }
  }

  /** For answers that need the store: the turn has left its mailbox meanwhile. */
  async #answerLater(turn: Turn, ask: () => Promise<Outcome>): Promise<void> {
    const { answer } = turn;
    turn.answer = null;
    if (!answer) return;
    const outcome = await ask().catch((error: unknown): Outcome => {
      this.#observer.bug("answering a command from the store", error);
      return undecidable;
    });
    if (outcome.type === "rejection") this.#observer.refused(outcome.code);
    try {
      answer(outcome);
    } catch (error) {
      this.#observer.bug("answering a command", error);
    }
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      if (this.#stopped) return;
      this.#sweepLater();
      this.#sweep();
    });
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const actor of this.#actors.values()) if (!actor.isIdle) this.#expire(actor, nowMs);
  }

  /** One that fails keeps no other from its deadlines. */
  #expire(actor: Actor, nowMs: number): void {
    try {
      actor.expire(nowMs);
    } catch (error) {
      this.#observer.bug("ending commands at their deadline", error);
    }
  }

  /** Lets a tenth of the actors go, the longest idle first. Whether any could go. */
  #passivate(): boolean {
    const idle = [...this.#actors.values()].filter((actor) => actor.isIdle);
    idle.sort((one, other) => one.lastUsedMs - other.lastUsedMs);
    const leaving = idle.slice(0, Math.max(1, Math.floor(this.#settings.maxActors / 10)));
    for (const actor of leaving) {
      this.#actors.delete(actor.id);
      this.#observer.actorPassivated();
    }
    return leaving.length > 0;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(retryPauseMs, resolve));
  }
}
