import { noSuchConversation } from "../../core/access.ts";
import type { LoadedConversation } from "../../core/ports/actor-reads.ts";
import { type Clock, pause } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { orUnavailable } from "../reads/or-unavailable.ts";
import { unreachable } from "../refusals.ts";
import type { Actor } from "./actor.ts";
import type { Lookups } from "./lookups.ts";
import type { Turn } from "./mailbox.ts";
import type { FactLookup, Learn } from "./missing-facts.ts";

const retryPauseMs = 100;

/**
 * Loads for actors: their state, the membership of senders, and the facts that commands need. While the store is away it tries again as long
 * as a turn waits.
 */
export class ActorLoading {
  readonly #lookups: Lookups;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #isCurrent: (actor: Actor) => boolean;
  readonly #drop: (actor: Actor) => void;
  #stopped = false;

  constructor(options: {
    readonly lookups: Lookups;
    readonly clock: Clock;
    readonly observer: Observer;
    /** Returns whether the actor was not dropped. */
    readonly isCurrent: (actor: Actor) => boolean;
    /** Removes an actor that has no further use. */
    readonly drop: (actor: Actor) => void;
  }) {
    this.#lookups = options.lookups;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#isCurrent = options.isCurrent;
    this.#drop = options.drop;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Ends when it has loaded a state, or has refused all waiting turns, or when another load or another actor has taken its place. */
  async state(actor: Actor): Promise<void> {
    const { attempt } = actor;
    const isWanted = () => this.#isCurrent(actor) && actor.attempt === attempt;
    while (!this.#stopped && isWanted()) {
      const found = await this.#orAway(this.#lookups.state(actor.id));
      if (!isWanted()) return;
      if (found) return this.#loaded(actor, isRejection(found) ? found : found.conversation);
      await pause(this.#clock, retryPauseMs);
      if (isWanted() && actor.isIdle) this.#drop(actor);
    }
  }

  #loaded(actor: Actor, loaded: LoadedConversation | Rejection | null): void {
    if (loaded && !isRejection(loaded)) return actor.loaded(loaded);
    this.#drop(actor);
    actor.settling.refuseUndecided(() => true, loaded ?? noSuchConversation);
  }

  /**
   * Strangers wait for this read only, so their answers take as long whether the conversation exists or not. While the store is away: refuses
   * at once if the conversation is in memory, else tries again until the deadline of the turn.
   */
  async membership(actor: Actor, turn: Turn): Promise<void> {
    const { conversationId, senderId: userId } = turn.command;
    let isMember = false;
    while (!isMember && !this.#stopped && turn.answer) {
      turn.membership = orUnavailable(this.#lookups.membership({ conversationId, userId }));
      const found = await turn.membership;
      if (found === unreachable && !actor.isLoaded) await pause(this.#clock, retryPauseMs);
      else if (isRejection(found)) actor.settling.turnAway(turn, found);
      else if (found.isMember) isMember = true;
      else actor.settling.turnAway(turn, noSuchConversation);
    }
    if (isMember) actor.admitted();
    if (!actor.isOfUse) this.#drop(actor);
  }

  /**
   * Ends when it brought the facts, when nobody waits any more, or when the actor was dropped: what a dropped actor learns takes memory that
   * nobody counts. The facts belong to the attempt at which they were missing: a state that is loaded meanwhile has its own looked up.
   */
  async facts(actor: Actor, missing: ReadonlyMap<string, FactLookup>): Promise<void> {
    const { attempt } = actor;
    const names = [...missing.keys()];
    while (!this.#stopped) {
      const loading = [...missing.values()].map(({ load }) => load(this.#lookups));
      const found = await this.#orAway(Promise.all(loading));
      if (!this.#isCurrent(actor)) return;
      if (found) return actor.learned(attempt, new Map(found.map((each, index) => [names[index]!, each])));
      await pause(this.#clock, retryPauseMs);
      if (actor.isIdle) return actor.learned(attempt, nothingFound);
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
}

const nothingFound: ReadonlyMap<string, Learn | Rejection> = new Map();
