import { apply } from "../../core/apply.ts";
import { type Command, isOfServer } from "../../core/commands.ts";
import { bytesOf, type ConversationState } from "../../core/conversations/conversation.ts";
import { decide } from "../../core/decide.ts";
import type { Decision } from "../../core/decision.ts";
import type { Event } from "../../core/events.ts";
import type { LoadedConversation } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { undecidable } from "../refusals.ts";
import { KnownFacts, type MemorySettings } from "./known-facts.ts";
import type { Turn } from "./mailbox.ts";
import { type FactLookup, missingFacts } from "./missing-facts.ts";
import type { SharedBytes } from "./recent-messages.ts";

/** Everything that deciding needs, the same for all actors. */
export interface DecidingContext {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly memory: MemorySettings;
  /** The bytes that the recent messages of all actors take. */
  readonly messageBytes: SharedBytes;
}

/**
 * A conversation as it will be when everything that was decided is stored: its state and the facts that are known of it, and up to which
 * revision it is durable. Decides commands and moves by what it decides.
 */
export class ExpectedState {
  readonly facts: KnownFacts;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #weighed: (more: number) => void;
  /** About how many bytes of memory it takes, without recent messages; 0 until it is loaded for the first time. */
  bytes = 0;
  /** Null while it is being loaded. */
  #state: ConversationState | null = null;

  constructor(context: DecidingContext, weighed: (more: number) => void) {
    const { clock, observer, memory: settings, messageBytes: shared } = context;
    this.#clock = clock;
    this.#observer = observer;
    this.#weighed = weighed;
    this.facts = new KnownFacts({ settings, shared });
  }

  get isLoaded(): boolean {
    return this.#state !== null;
  }

  /** The revision up to which everything is stored. */
  get durableRev(): number {
    return this.facts.durableRev;
  }

  /** Whether nothing that was decided is on its way to the store. */
  get isDurable(): boolean {
    return this.#state?.rev === this.durableRev;
  }

  /** Everything up to this revision is stored. */
  stored(rev: number): void {
    this.facts.durableRev = rev;
  }

  hasMember(userId: string): boolean {
    return this.#state?.members.has(userId) ?? false;
  }

  /** Begins with what is stored. */
  load({ state, keyUses }: LoadedConversation): void {
    this.#state = state;
    this.stored(state.rev);
    this.facts.loaded(keyUses);
    this.#weigh(state);
  }

  /** Forgets everything: memory must not be trusted any more. */
  unload(): void {
    this.#state = null;
    this.facts.forget();
  }

  /** Returns whether the command can be decided now: all facts that it needs are known, or it is refused without them. */
  knowsEnoughFor(command: Command): boolean {
    return !this.#mayAct(command) || this.facts.cover(command);
  }

  /** Returns the look-ups that the first of the commands need, by name. Call it when everything is durable. */
  missingFor(commands: readonly Command[]): ReadonlyMap<string, FactLookup> {
    const acting = commands.filter((command) => this.#mayAct(command));
    return missingFacts(this.facts, acting);
  }

  /** False for strangers: nothing is looked up for them, because the time that it takes would show them that something is there. */
  #mayAct(command: Command): boolean {
    return isOfServer(command) || this.hasMember(command.senderId);
  }

  /** Decides a turn. Returns the change that is to be stored for it; null: nothing. */
  decide(turn: Turn): Change | null {
    const state = this.#state!;
    const decision = this.#charged(turn, this.#decisionOn(turn.command, state), state);
    turn.decision = decision;
    if (decision.type === "decided" && decision.events.length > 0)
      turn.change = this.#expect(decision.events, state);
    turn.decidedRev = state.rev;
    return turn.change;
  }

  /** A rule that throws costs its own command, not the conversation. */
  #decisionOn(command: Command, state: ConversationState): Decision {
    try {
      this.facts.nowUs = this.#clock.nowUs();
      return decide(state, command, this.facts);
    } catch (error) {
      this.#observer.bug("deciding a command", error);
      return undecidable;
    }
  }

  /** Turns a decision into a refusal if it costs more than its user has left. */
  #charged({ charge }: Turn, decision: Decision, state: ConversationState): Decision {
    return charge?.settle(decision, state) ?? decision;
  }

  #expect(events: readonly Event[], state: ConversationState): Change {
    for (const event of events) {
      apply(state, event);
      this.facts.follow(event);
    }
    this.#weigh(state);
    const { id: conversationId, rev, members, membersRev } = state;
    return { conversationId, rev, events, members, membersRev };
  }

  #weigh(state: ConversationState): void {
    const bytes = bytesOf(state) + this.facts.bytes;
    if (bytes === this.bytes) return;
    const more = bytes - this.bytes;
    this.bytes = bytes;
    this.#weighed(more);
  }
}
