import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Message } from "../../core/messages/message.ts";
import type { ActorReads } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Ownership } from "../../core/ports/ownership.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { Actor, type ActorContext, type Entry } from "./actor.ts";
import { ActorLoading } from "./actor-loading.ts";
import { Announcements } from "./announcements.ts";
import { Answers } from "./answers.ts";
import type { MemorySettings } from "./known-facts.ts";
import { Lookups } from "./lookups.ts";
import type { SharedBytes } from "./recent-messages.ts";

export interface SupervisorSettings {
  /** The most conversations in memory. */
  readonly maxActors: number;
  /** The most bytes that they take, about: a group of 1,000 takes as much as 150 direct conversations. */
  readonly maxActorBytes: number;
  /** The most unsettled commands of one conversation. */
  readonly maxTurnsPerActor: number;
  readonly memory: MemorySettings;
}

export interface SupervisorOptions {
  readonly reads: ActorReads;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly pubsub: PubSub;
  readonly settings: SupervisorSettings;
  /** Hands a decided change to the lane of its conversation. */
  readonly commit: (entry: Entry) => void;
  /** A message was stored: its sender has read. */
  readonly sent: (message: Message) => void;
  /** A membership has ended: its marks move no more. */
  readonly left: (event: MemberChanged) => void;
}

/** The part of the bytes of conversations that recent messages may take. */
const messagePart = 1 / 4;
/** When more than `mostTaken` of that part is taken, idle conversations forget their messages until `leastTaken` is. */
const mostTaken = 0.95;
const leastTaken = 0.8;
/** How often deadlines are looked at and idle actors are let go. */
const sweepMs = 250;

/** Starts actors on demand, lets the longest idle go when they take too much, and ends waiting at deadlines. */
export class Supervisor {
  readonly #actors = new Map<string, Actor>();
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #settings: SupervisorSettings;
  readonly #context: ActorContext;
  readonly #loading: ActorLoading;
  /** The bytes of all actors, without recent messages. */
  #bytes = 0;
  readonly #messageBytes: SharedBytes;
  #cancelSweep: () => void = () => {};
  #stopped = false;

  constructor(options: SupervisorOptions) {
    const { ownership, clock, observer, settings } = options;
    this.#clock = clock;
    this.#observer = observer;
    this.#settings = settings;
    this.#messageBytes = { max: messagePart * settings.maxActorBytes, taken: 0 };
    const lookups = new Lookups(options);
    this.#loading = this.#loadingBy(lookups);
    this.#context = this.#contextOf(options, lookups);
    ownership.onChange((shards, held) => this.#moved(shards, held));
    ownership.onResumed(() => this.#resume());
    this.#sweepLater();
  }

  #loadingBy(lookups: Lookups): ActorLoading {
    return new ActorLoading({
      lookups,
      clock: this.#clock,
      observer: this.#observer,
      isCurrent: (actor) => this.#actors.get(actor.id) === actor,
      drop: (actor) => this.#drop(actor),
    });
  }

  #contextOf(options: SupervisorOptions, lookups: Lookups): ActorContext {
    const { ownership, clock, observer, settings, commit } = options;
    const distrustMembers = (id: string, userId: string) => this.#distrustMembers(id, userId);
    return {
      clock,
      observer,
      commit,
      answers: new Answers({ lookups, clock, observer, distrustMembers }),
      announcements: new Announcements(options),
      memory: settings.memory,
      messageBytes: this.#messageBytes,
      maxTurns: settings.maxTurnsPerActor,
      mayDecide: (shard) => ownership.isHeld(shard),
      load: (actor) => void this.#loading.state(actor),
      lookUp: (actor, missing) => void this.#loading.facts(actor, missing),
      verify: (actor, turn) => void this.#loading.membership(actor, turn),
      weighed: (actor, more) => this.#weighed(actor, more),
    };
  }

  get actors(): number {
    return this.#actors.size;
  }

  /** The conversation's actor, started when there is none; null when there are too many and none of them is idle. */
  actor(conversationId: string): Actor | null {
    const running = this.#actors.get(conversationId);
    if (running) return running;
    if (this.#isFull && !this.#passivate()) return null;
    const actor = new Actor({ id: conversationId, context: this.#context });
    this.#actors.set(conversationId, actor);
    return actor;
  }

  stop(): void {
    this.#stopped = true;
    this.#loading.stop();
    this.#cancelSweep();
  }

  /**
   * Memory of a shard from before its gain is void: another node may have written. Commands that are under way when a shard is lost wait for
   * their outcome, for the shard to come back, or for their deadline.
   */
  #moved(shards: ReadonlySet<number>, held: boolean): void {
    for (const actor of this.#actors.values()) {
      if (!shards.has(actor.shard)) continue;
      if (actor.isIdle) this.#drop(actor);
      else if (held) actor.invalidate();
    }
  }

  /** Decides the commands that waited while the right to decide was not confirmed. */
  #resume(): void {
    for (const actor of this.#actors.values()) if (!actor.isIdle) actor.resume();
  }

  /** The store knows a member whom the actor does not: the actor is behind. */
  #distrustMembers(conversationId: string, userId: string): void {
    const actor = this.#actors.get(conversationId);
    if (!actor?.hasMember(userId)) actor?.invalidate();
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
    if (this.#isTooLarge) this.#passivate();
    if (this.#messageBytes.taken > mostTaken * this.#messageBytes.max) this.#forgetMessages();
  }

  /** An actor that fails must not delay the deadlines of others. */
  #expire(actor: Actor, nowMs: number): void {
    try {
      actor.expire(nowMs);
    } catch (error) {
      this.#observer.bug("ending commands at their deadline", error);
    }
  }

  get #isTooLarge(): boolean {
    return this.#bytes + this.#messageBytes.taken >= this.#settings.maxActorBytes;
  }

  get #isFull(): boolean {
    return this.#actors.size >= this.#settings.maxActors || this.#isTooLarge;
  }

  #weighed(actor: Actor, more: number): void {
    if (this.#actors.get(actor.id) === actor) this.#bytes += more;
  }

  #drop(actor: Actor): void {
    if (this.#actors.get(actor.id) !== actor) return;
    this.#actors.delete(actor.id);
    this.#bytes -= actor.bytes;
    actor.forgetMessages();
  }

  /** Lets idle actors go, the longest idle first, until a tenth of the room is free. Returns whether there is room. */
  #passivate(): boolean {
    const { maxActors, maxActorBytes } = this.#settings;
    const most = { actors: maxActors - Math.max(1, Math.floor(maxActors / 10)), bytes: 0.9 * maxActorBytes };
    for (const actor of this.#longestIdle()) {
      if (this.#actors.size <= most.actors && this.#bytes + this.#messageBytes.taken <= most.bytes) break;
      this.#drop(actor);
      this.#observer.actorPassivated();
    }
    return !this.#isFull;
  }

  /** Idle actors forget their recent messages, the longest idle first, so that busy ones have room for theirs. */
  #forgetMessages(): void {
    for (const actor of this.#longestIdle()) {
      if (this.#messageBytes.taken <= leastTaken * this.#messageBytes.max) return;
      actor.forgetMessages();
    }
  }

  #longestIdle(): readonly Actor[] {
    const idle = [...this.#actors.values()].filter((actor) => actor.isIdle);
    return idle.sort((one, other) => one.lastUsedMs - other.lastUsedMs);
  }
}
