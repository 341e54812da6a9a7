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

/** Everything that actors share. The supervisor gives it to each of them. */
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
  /** Looks up facts. The results come by `learned`, once for every call. */
  readonly lookUp: (actor: Actor, missing: ReadonlyMap<string, FactLookup>) => void;
  /** Asks the store whether the sender of a turn is a member, because memory does not know them. Calls `admitted`, or refuses the turn. */
  readonly verify: (actor: Actor, turn: Turn) => void;
  /** The actor takes so many more bytes than it reported before. */
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
 * batch. Each answer waits until the revision at which it was decided is durable. When a change does not become durable, all later decisions
 * are void: the state is loaded afresh and the turns are decided again, in order.
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

  /** Returns whether memory knows the user as a member. */
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

  /** False: the actor can be dropped. Nobody waits, and its state was never requested. */
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

  /** Strangers must not learn from a full mailbox that the conversation exists: they have room of their own. */
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

  /** Takes the facts that were missing at that attempt, by the name of the look-up: a function that learns them, or a refusal. */
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

  /** The store knew a key of this sender that memory had forgotten: for a while their keys are looked up before their commands are decided. */
  suspect(senderId: string): void {
    this.#expected.facts.suspect(senderId);
  }

  /** Gives up the memory of its recent messages, which are looked up when they are needed. */
  forgetMessages(): void {
    this.#expected.facts.forgetMessages();
  }

  /** Refuses turns whose deadline has passed, and drops what was looked up if no other turn waits for it. */
  expire(nowMs: number): void {
    this.settling.expire(nowMs);
    if (!this.#mailbox.undecided) this.#expected.facts.forgetLookedUp();
  }

  /** The entry is in a batch that is on its way. */
  sent(entry: Entry): void {
    entry.turn.inFlight = true;
    this.#inFlight++;
  }

  /** The change is durable: announces it, then gives the answers that waited for it. */
  stored(entry: Entry): void {
    this.#landed(entry);
    this.#expected.stored(entry.change.rev);
    this.#context.announcements.stored(entry.turn.command, entry.change);
    this.settling.settle(entry.change.rev);
    if (this.#mailbox.undecided) this.#decideWaiting();
  }

  /** The change was not stored, and never will be as it was decided. */
  notStored(entry: Entry): void {
    this.#landed(entry);
    this.invalidate();
  }

  /** The change is not stored yet. The same entry goes again in the next batch. */
  held(entry: Entry): void {
    this.#landed(entry);
  }

  /** Refuses one turn for good; what was decided after it is decided again. */
  refuse(entry: Entry, rejection: Rejection): void {
    this.#landed(entry);
    this.settling.refuse(entry.turn, rejection);
    this.invalidate();
  }

  /** Memory must not be trusted any more: loads the state afresh as soon as no entry is on its way. */
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
   * Facts that are read must still hold when the commands are decided: no change may be on its way during the look-up. If one is, `stored`
   * comes back here. Costs a busy conversation one round trip for up to a hundred commands about up to 32 older messages.
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
