import { noSuchConversation } from "../../core/authorize.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Message } from "../../core/messages/message.ts";
import { asSeenFrom } from "../../core/messages/quote.ts";
import { differsFrom } from "../../core/messages/send.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { ActorReads, MembershipLookup } from "../../core/ports/actor-reads.ts";
import { type Clock, pause } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Ownership } from "../../core/ports/ownership.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { orUnavailable } from "../reads/or-unavailable.ts";
import { membersUnsettled, undecidable, unreachable } from "../refusals.ts";
import { Actor, type ActorContext, type Entry, type Learned, type Questions } from "./actor.ts";
import { type LookedUp, Lookups } from "./lookups.ts";
import type { Turn } from "./mailbox.ts";

export interface SupervisorSettings {
  /** The most conversations in memory. */
  readonly maxActors: number;
  /** The most bytes that they take, about: a group of 1,000 takes as much as 150 direct conversations. */
  readonly maxActorBytes: number;
  /** The most unsettled commands of one conversation. */
  readonly maxTurnsPerActor: number;
}

/** How often deadlines are looked at and idle actors are let go. */
const sweepMs = 250;
const retryPauseMs = 100;

/** Starts actors on demand, loads them, lets the longest idle go when there are too many, and ends waiting at deadlines. */
export class Supervisor {
  readonly #actors = new Map<string, Actor>();
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #settings: SupervisorSettings;
  readonly #around: ActorContext;
  readonly #lookups: Lookups;
  /** Of all actors. */
  #bytes = 0;
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
    this.#clock = clock;
    this.#observer = observer;
    this.#settings = settings;
    this.#lookups = new Lookups({ reads, clock, observer });
    this.#around = {
      clock,
      observer,
      pubsub,
      commit,
      sent,
      left,
      maxTurns: settings.maxTurnsPerActor,
      weighed: (actor, more) => this.#weighed(actor, more),
      mayDecide: (shard) => ownership.isHeld(shard),
      reload: (actor) => void this.#reload(actor),
      probe: (actor, questions) => void this.#probe(actor, questions),
      answerDuplicate: (turn, { seq, joinedSeq }) =>
        void this.#answerLater(turn, () => this.#duplicateOf(turn, seq, joinedSeq)),
      verify: (actor, turn) => void this.#verify(actor, turn),
      refuseStranger: (turn) => void this.#answerLater(turn, () => this.#refuseStranger(turn)),
    };
    ownership.onChange((shards, held) => this.#moved(shards, held));
    ownership.onResumed(() => {
      for (const actor of this.#actors.values()) if (!actor.isIdle) actor.resume();
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
    if (this.#isFull && !this.#passivate()) return null;
    const actor = new Actor({ id: conversationId, around: this.#around });
    this.#actors.set(conversationId, actor);
    return actor;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSweep();
  }

  /**
   * What was remembered of a shard before it was gained may have been overtaken by another node. What is under way when it is lost waits for
   * its outcome, for the shard to come back, or for its deadline.
   */
  #moved(shards: ReadonlySet<number>, held: boolean): void {
    for (const actor of this.#actors.values()) {
      if (!shards.has(actor.shard)) continue;
      if (actor.isIdle) this.#drop(actor);
      else if (held) actor.invalidate();
    }
  }

  /**
   * Ends when it brought a state, or a refusal of all who wait, or when another reload or another actor has taken its place.
   * While the store is away it goes on as long as somebody waits.
   */
  async #reload(actor: Actor): Promise<void> {
    const { attempt } = actor;
    const isWanted = () => this.#actors.get(actor.id) === actor && actor.attempt === attempt;
    while (!this.#stopped && isWanted()) {
      const loaded = await this.#orAway(this.#lookups.state(actor.id));
      if (!isWanted()) return;
      if (loaded && isRejection(loaded)) return this.#forget(actor, loaded);
      if (loaded?.state) return actor.loaded(loaded.state);
      if (loaded) return this.#forget(actor, noSuchConversation);
      await pause(this.#clock, retryPauseMs);
      if (isWanted() && actor.isIdle) this.#drop(actor);
    }
  }

  /** While the store is away: refuses at once if the conversation is in memory, else tries again until the deadline of the turn. */
  async #verify(actor: Actor, turn: Turn): Promise<void> {
    let isMember = false;
    while (!isMember && !this.#stopped && turn.answer) {
      turn.membership = orUnavailable(this.#lookups.membership(askedBy(turn)));
      const found = await turn.membership;
      if (found === unreachable && !actor.isLoaded) await pause(this.#clock, retryPauseMs);
      else if (isRejection(found)) actor.turnAway(turn, found);
      else if (found.isMember) isMember = true;
      else actor.turnAway(turn, noSuchConversation);
    }
    if (isMember) actor.admitted();
    if (!actor.isOfUse) this.#drop(actor);
  }

  /** Answers everybody who waits; the actor has no further use. */
  #forget(actor: Actor, refusal: Rejection): void {
    this.#drop(actor);
    actor.refuseUndecided(() => true, refusal);
  }

  /** While the store is away it goes on as long as somebody waits. */
  async #probe(actor: Actor, questions: Questions): Promise<void> {
    const { attempt } = actor;
    while (!this.#stopped) {
      const found = await this.#orAway(this.#lookups.about(actor.id, questions));
      if (found) return tell(actor, found, actor.attempt === attempt);
      await pause(this.#clock, retryPauseMs);
      if (actor.isIdle) return actor.learned(nothingLearned);
    }
  }

  /** Null: the store is away. */
  async #orAway<T>(looking: Promise<T>): Promise<T | null> {
    try {
      return await looking;
    } catch (error) {
      this.#observer.warn("conversation_reads_failed", { reason: String(error) });
      return null;
    }
  }

  /**
   * The store decides who is a stranger: memory may be behind it when the right to serve has moved and this process has not noticed. Uses the
   * read that began when the turn came, so that strangers wait for one read in every conversation.
   */
  async #refuseStranger(turn: Turn): Promise<Outcome> {
    const { conversationId, userId } = askedBy(turn);
    const known = await turn.membership;
    // A member when the turn came may have left by now.
    const asks = known === null || (!isRejection(known) && known.isMember);
    const found = asks ? await orUnavailable(this.#lookups.membership({ conversationId, userId })) : known;
    if (isRejection(found)) return found;
    if (!found.isMember) return noSuchConversation;
    const actor = this.#actors.get(conversationId);
    if (!actor?.hasMember(userId)) actor?.invalidate();
    return membersUnsettled;
  }

  async #duplicateOf({ command }: Turn, seq: number, joinedSeq: number): Promise<Outcome> {
    this.#observer.commandDuplicate();
    const { conversationId } = command;
    const found = await orUnavailable(this.#lookups.message({ conversationId, seq }));
    if (isRejection(found)) return found;
    const { message } = found;
    if (!message) throw new Error(`message ${seq} of ${conversationId} is known and not stored`);
    const differs = command.type !== "send_message" || differsFrom(message, command);
    return { type: "duplicate", message: asSeenFrom(message, joinedSeq), differs };
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
    if (this.#bytes > this.#settings.maxActorBytes) this.#passivate();
  }

  /** One that fails keeps no other from its deadlines. */
  #expire(actor: Actor, nowMs: number): void {
    try {
      actor.expire(nowMs);
    } catch (error) {
      this.#observer.bug("ending commands at their deadline", error);
    }
  }

  get #isFull(): boolean {
    const { maxActors, maxActorBytes } = this.#settings;
    return this.#actors.size >= maxActors || this.#bytes >= maxActorBytes;
  }

  #weighed(actor: Actor, more: number): void {
    if (this.#actors.get(actor.id) === actor) this.#bytes += more;
  }

  #drop(actor: Actor): void {
    if (this.#actors.get(actor.id) !== actor) return;
    this.#actors.delete(actor.id);
    this.#bytes -= actor.bytes;
  }

  /** Lets idle actors go, the longest idle first, until a tenth of the room is free. Whether there is room. */
  #passivate(): boolean {
    const { maxActors, maxActorBytes } = this.#settings;
    const most = { actors: maxActors - Math.max(1, Math.floor(maxActors / 10)), bytes: 0.9 * maxActorBytes };
    const idle = [...this.#actors.values()].filter((actor) => actor.isIdle);
    idle.sort((one, other) => one.lastUsedMs - other.lastUsedMs);
    for (const actor of idle) {
      if (this.#actors.size <= most.actors && this.#bytes <= most.bytes) break;
      this.#drop(actor);
      this.#observer.actorPassivated();
    }
    return !this.#isFull;
  }
}

function askedBy({ command }: Turn): MembershipLookup {
  return { conversationId: command.conversationId, userId: command.senderId };
}

/** What was read of a state that is gone by now says nothing of the next one, which asks for itself; keys stay taken. */
function tell(actor: Actor, { learned, failures }: LookedUp, isPresent: boolean): void {
  for (const { concerns, rejection } of failures) actor.refuseProbed(concerns, rejection);
  actor.learned(isPresent ? learned : { ...nothingLearned, keys: learned.keys });
}

const nothingLearned: Learned = { keys: [], messages: [], contacts: new Map(), metadata: null };
