import { type Command, isOfServer } from "../../core/commands.ts";
import type { LoadedConversation } from "../../core/ports/actor-reads.ts";
import type { Change } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { mailboxFull } from "../refusals.ts";
import type { Announcements } from "./announcements.ts";
import type { Answers } from "./answers.ts";
import { type DecidingContext, ExpectedState } from "./expected-state.ts";
import { Mailbox, type Turn } from "./mailbox.ts";
import type { FactLookup, Learn } from "./missing-facts.ts";
import { Settling } from "./settling.ts";

/** What actors share, given to each by the supervisor. */
export interface ActorContext extends DecidingContext {
  readonly answers: Answers;
  readonly announcements: Announcements;
  /** The most unsettled turns. */
  readonly maxTurns: number;
  /** Whether this node may decide for the shard now. */
  readonly mayDecide: (shard: number) => boolean;
  /** Hands a decided change to the lane. */
  readonly commit: (entry: Entry) => void;
  /** Loads a fresh state; it comes by `loaded`, or all who wait are refused. */
  readonly load: (actor: Actor) => void;
  /** Looks up facts; what the store knows comes by `learned`, once for every call. */
  readonly lookUp: (actor: Actor, missing: ReadonlyMap<string, FactLookup>) => void;
  /** Asks the store whether the sender of a turn, whom memory does not know, is a member; then `admitted`, or the turn is refused. */
  readonly verify: (actor: Actor, turn: Turn) => void;
  /** The actor takes so many bytes more than it was known to. */
  readonly weighed: (actor: Actor, more: number) => void;
}

/** A change in the lane. It counts only while its attempt is its actor's. */
export interface Entry {
  readonly actor: Actor;
  readonly turn: Turn;
  readonly change: Change;
  readonly attempt: number;
}

/**
 * The single writer of one conversation. Commands are decided at once against the expected state and stored in the lane's next
 * batch; whatever is answered waits until the revision it was decided at is durable. When a change does not become durable, all that was
 * decided after it is void: the state is loaded afresh and the turns are decided again, in order.
 */
export class Actor {
  readonly id: string;
  readonly shard: number;
  readonly #context: ActorContext;
  readonly #mailbox = new Mailbox();
  readonly #expected: ExpectedState;
  /** Ends the waiting of its turns. */
  readonly settling: Settling;
  #inFlight = 0;
  /** The state was loaded, or is being loaded. Commands of strangers do not load it. */
  #isWanted = false;
  #reloadWanted = false;
  #isLookingUp = false;
  attempt = 0;
  lastUsedMs: number;

  constructor({ id, context }: { readonly id: string; readonly context: ActorContext }) {
    this.id = id;
    this.shard = shardOf(id);
    this.#context = context;
    this.#expected = new ExpectedState(context, (more) => context.weighed(this, more));
    this.settling = new Settling({ mailbox: this.#mailbox, answers: context.answers });
    this.lastUsedMs = context.clock.monotonicMs();
  }

  get isIdle(): boolean {
    return this.#mailbox.size === 0;
  }

  /** Whether this is a member, as far as memory knows. */
  hasMember(userId: string): boolean {
    return this.#expected.hasMember(userId);
  }

  get isLoaded(): boolean {
    return this.#expected.isLoaded;
  }

  /** What it takes in memory, about, without its recent messages; 0 until it is loaded for the first time. */
  get bytes(): number {
    return this.#expected.bytes;
  }

  /** False: the actor can be dropped. Nobody waits, and its state was never asked for. */
  get isOfUse(): boolean {
    return !this.isIdle || this.#isWanted;
  }

  /**
   * Takes a turn, or refuses: the mailbox is bounded. Turns keep their order. If memory does not know the sender as a member, the store is
   * asked at once, and the state is loaded only when it says that they are.
   */
  submit(turn: Turn): Rejection | null {
    if (this.#mailbox.size >= this.#roomFor(turn.command)) return mailboxFull;
    this.lastUsedMs = turn.acceptedMs;
    this.#mailbox.push(turn);
    if (isOfServer(turn.command)) this.#load();
    else if (!this.hasMember(turn.command.senderId)) this.#context.verify(this, turn);
    this.#decideWaiting();
    return null;
  }

  /** That there is a conversation, and a busy one, is for its members to know: strangers have a waiting room of their own. */
  #roomFor({ senderId }: Command): number {
    const { maxTurns } = this.#context;
    return this.isLoaded && !this.hasMember(senderId) ? 2 * maxTurns : maxTurns;
  }

  /** The store says that the sender of a turn is a member. */
  admitted(): void {
    if (!this.isIdle) this.#load();
  }

  /** Does nothing if the state was loaded or is being loaded. */
  #load(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#context.load(this);
  }

  /** This node may decide again. */
  resume(): void {
    this.#decideWaiting();
  }

  /** A fresh state from the store; what was decided before it is decided again. */
  loaded(conversation: LoadedConversation): void {
    this.#expected.load(conversation);
    this.#decideWaiting();
  }

  /** The facts that were missing at that attempt, by the name of the look-up: what makes them known, or why they are not. */
  learned(attempt: number, found: ReadonlyMap<string, Learn | Rejection>): void {
    this.#isLookingUp = false;
    if (attempt === this.attempt) {
      for (const learn of found.values()) if (!isRejection(learn)) learn(this.#expected.facts);
      for (const [name, refusal] of found) if (isRejection(refusal)) this.#refuseWithout(name, refusal);
    }
    this.#decideWaiting();
  }

  #refuseWithout(name: string, refusal: Rejection): void {
    this.settling.refuseUndecided(({ command }) => this.#expected.missingFor([command]).has(name), refusal);
  }

  /** The store knew a key of this sender that this memory does not: ask it first for a while. */
  suspect(senderId: string): void {
    this.#expected.facts.suspect(senderId);
  }

  /** Gives up the memory of its recent messages, which are looked up when they are needed. */
  forgetMessages(): void {
    this.#expected.facts.forgetMessages();
  }

  /** The entry is in a batch that is on its way. */
  sent(entry: Entry): void {
    entry.turn.inFlight = true;
    this.#inFlight++;
  }

  /** Durable: tells whoever listens, then answers whatever waited for it. */
  stored(entry: Entry): void {
    this.#landed(entry);
    this.#expected.stored(entry.change.rev);
    this.#context.announcements.stored(entry.turn.command, entry.change);
    this.settling.settle(entry.change.rev);
    if (this.#mailbox.undecided) this.#decideWaiting();
  }

  /** Not stored, and it never will be as it was decided. */
  notStored(entry: Entry): void {
    this.#landed(entry);
    this.invalidate();
  }

  /** Not stored yet; the same entry goes again in the next batch. */
  held(entry: Entry): void {
    this.#landed(entry);
  }

  /** Refuses one turn for good; what was decided after it is decided again. */
  refuse(entry: Entry, rejection: Rejection): void {
    this.#landed(entry);
    this.settling.refuse(entry.turn, rejection);
    this.invalidate();
  }

  /** Nothing in memory is to be trusted any more: load afresh, as soon as nothing of it is on its way. */
  invalidate(): void {
    this.attempt++;
    this.#isWanted = true;
    this.#reloadWanted = true;
    this.#reloadWhenLanded();
  }

  #landed(entry: Entry): void {
    entry.turn.inFlight = false;
    this.#inFlight--;
    if (this.#inFlight === 0 && this.#reloadWanted) queueMicrotask(() => this.#reloadWhenLanded());
  }

  #reloadWhenLanded(): void {
    if (!this.#reloadWanted || this.#inFlight > 0) return;
    this.#reloadWanted = false;
    this.#expected.unload();
    this.#mailbox.undecideAll();
    this.#context.load(this);
  }

  #decideWaiting(): void {
    while (this.#canDecide()) {
      const turn = this.#mailbox.undecided;
      if (!turn) return this.#expected.facts.forgetLookedUp();
      if (!this.#expected.knowsEnoughFor(turn.command)) return this.#lookUpWhenDurable();
      this.#mailbox.decideNext();
      this.#decide(turn);
    }
  }

  #canDecide(): boolean {
    if (!this.isLoaded || this.#reloadWanted || this.#isLookingUp) return false;
    return this.#context.mayDecide(this.shard);
  }

  /**
   * What is read must hold when it is decided upon: nothing may be on its way meanwhile. `stored` comes back here. Costs a busy
   * conversation one round trip for up to a hundred commands about up to 32 older messages.
   */
  #lookUpWhenDurable(): void {
    if (!this.#expected.isDurable) return;
    this.#expected.facts.forgetLookedUp();
    this.#isLookingUp = true;
    this.#context.lookUp(this, this.#expected.missingFor(this.#mailbox.waiting()));
  }

  #decide(turn: Turn): void {
    const change = this.#expected.decide(turn);
    if (change) this.#context.commit({ actor: this, turn, change, attempt: this.attempt });
    const { durableRev } = this.#expected;
    if (turn.decidedRev <= durableRev) this.settling.settle(durableRev);
  }
}
