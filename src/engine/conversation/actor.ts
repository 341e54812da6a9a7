import { apply } from "../../core/apply.ts";
import { noSuchConversation } from "../../core/authorize.ts";
import {
  type Command,
  isAboutMetadata,
  isOfServer,
  metBy,
  sendKeyOf,
  targetIdOf,
} from "../../core/commands.ts";
import type { Contact } from "../../core/conversations/contact.ts";
import { bytesOf, type ConversationState } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { decide } from "../../core/decide.ts";
import type { Decision } from "../../core/decision.ts";
import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import type { KeyUse } from "../../core/messages/recent-keys.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { ContactsLookup, KeyLookup } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import type { Rejection } from "../../core/rejection.ts";
import { securityNoteOf } from "../../core/security-trail.ts";
import { mailboxFull, outcomeUnknown, tooLate, undecidable } from "../refusals.ts";
import { Mailbox, type Turn } from "./mailbox.ts";
import { SuspectKeys } from "./suspect-keys.ts";

/** What actors share, given to each by the supervisor. */
export interface ActorContext {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly pubsub: PubSub;
  /** Whether this node may decide for the shard now. */
  readonly mayDecide: (shard: number) => boolean;
  /** Hands a decided change to the lane. */
  readonly commit: (entry: Entry) => void;
  /** Asks for a fresh state; it comes by `loaded`, or all who wait are refused. */
  readonly reload: (actor: Actor) => void;
  /** Asks the store about keys and messages; what it holds comes by `learned`, once for every call. */
  readonly probe: (actor: Actor, questions: Questions) => void;
  /** A message was stored: whoever sends has read. */
  readonly sent: (message: Message) => void;
  /** A member was removed, has left or is blocked: he marks nothing any more. */
  readonly left: (event: MemberChanged) => void;
  /** Answers a repeated command with the message that is stored. */
  readonly answerDuplicate: (turn: Turn, duplicate: Decision & { readonly type: "duplicate" }) => void;
  /** Answers a command of somebody who is no member as one to a conversation that does not exist. */
  readonly refuseStranger: (turn: Turn) => void;
  /**
   * Asks the store whether the sender of a turn, whom memory does not know, is a member. Then calls `admitted`, or `turnAway`. Strangers wait
   * for this read only, so their answers take as long whether the conversation exists or not.
   */
  readonly verify: (actor: Actor, turn: Turn) => void;
  /** The actor takes so many bytes more than it was known to. */
  readonly weighed: (actor: Actor, more: number) => void;
  readonly maxTurns: number;
}

/** What commands that wait need to be known before they are decided. */
export interface Questions {
  readonly keys: readonly KeyLookup[];
  readonly messageIds: readonly string[];
  readonly contacts: readonly ContactsLookup[];
  /** Whether the conversation's metadata is asked for. */
  readonly metadata: boolean;
}

/** What the store knows of it. */
export interface Learned {
  readonly keys: readonly (KeyLookup & KeyUse)[];
  readonly messages: readonly Message[];
  /** By `contactKey`. */
  readonly contacts: ReadonlyMap<string, Contact>;
  /** Null: it was not asked for. */
  readonly metadata: string | null;
}

/** A change in the lane. It counts only while its attempt is its actor's. */
export interface Entry {
  readonly actor: Actor;
  readonly turn: Turn;
  readonly change: Change;
  readonly attempt: number;
}

/** Well below what RecentKeys holds: what was learned must not be forgotten before it is used. */
const probedAtOnce = 100;
/** Each may hold 64 KiB and a thousand reactions. */
const targetsAtOnce = 32;
/** Each may add a thousand members. */
const additionsAtOnce = 4;

/**
 * The single writer of one conversation. Commands are decided at once against the expected state and stored in the lane's next
 * batch; whatever is answered waits until the revision it was decided at is durable. When a change does not become durable, all that was
 * decided after it is void: the state is loaded afresh and the turns are decided again, in order.
 */
export class Actor {
  readonly id: string;
  readonly shard: number;
  readonly #around: ActorContext;
  readonly #mailbox = new Mailbox();
  /** The expected state; null while it is being loaded. */
  #state: ConversationState | null = null;
  #durableRev = -1;
  /** Turns of the mailbox that are decided: always the oldest ones. */
  #decided = 0;
  #inFlight = 0;
  /** The state was loaded, or is being loaded. Commands of strangers do not load it. */
  #isWanted = false;
  #reloadWanted = false;
  #probing = false;
  readonly #doubts = new SuspectKeys();
  attempt = 0;
  /** What its state takes in memory, about; 0 until it is loaded for the first time. */
  bytes = 0;
  lastUsedMs: number;

  constructor(options: { readonly id: string; readonly around: ActorContext }) {
    this.id = options.id;
    this.shard = shardOf(options.id);
    this.#around = options.around;
    this.lastUsedMs = options.around.clock.monotonicMs();
  }

  get isIdle(): boolean {
    return this.#mailbox.size === 0;
  }

  /** Whether this is a member, as far as memory knows. */
  hasMember(userId: string): boolean {
    return this.#state?.members.has(userId) ?? false;
  }

  get isLoaded(): boolean {
    return this.#state !== null;
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
    else if (!this.hasMember(turn.command.senderId)) this.#around.verify(this, turn);
    this.#decideWaiting();
    return null;
  }

  /** That there is a conversation, and a busy one, is for its members to know: strangers have a waiting room of their own. */
  #roomFor({ senderId }: Command): number {
    const { maxTurns } = this.#around;
    return this.#state && !this.#state.members.has(senderId) ? 2 * maxTurns : maxTurns;
  }

  /** The store says that the sender of a turn is a member. */
  admitted(): void {
    if (!this.isIdle) this.#load();
  }

  /** Does nothing if the state was loaded or is being loaded. */
  #load(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#around.reload(this);
  }

  /** Refuses a turn whose sender is no member, without waiting for the turns before it: no decision depends on it. */
  turnAway(turn: Turn, rejection: Rejection): void {
    if (turn.decision === null) this.refuseUndecided((each) => each === turn, rejection);
    else if (turn.decision === noSuchConversation) this.#answer(turn, rejection);
  }

  /** This node may decide again. */
  resume(): void {
    this.#decideWaiting();
  }

  /** A fresh state from the store; what was decided before it is decided again. */
  loaded(state: ConversationState): void {
    this.#state = state;
    this.#durableRev = state.rev;
    this.#weigh(state);
    this.#decideWaiting();
  }

  /** Refuses those of the commands that were asked about for which the store had no answer. `learned` follows. */
  refuseProbed(concerns: (command: Command) => boolean, rejection: Rejection): void {
    this.refuseUndecided((turn) => turn.probed && concerns(turn.command), rejection);
  }

  /** What the store knows of what was asked. It was asked when all that was decided was durable, so the messages are as they will be. */
  learned({ keys, messages, contacts, metadata }: Learned): void {
    this.#probing = false;
    for (const use of keys) this.#learn(use);
    if (this.#state) {
      this.#state.targets = new Map(messages.map((message) => [message.id, message]));
      this.#state.contacts = contacts;
      this.#state.metadata = metadata;
    }
    this.#decideWaiting();
  }

  /** Once, however often it was asked: a storm of one key must not push out the others. */
  #learn(use: KeyLookup & KeyUse): void {
    const keys = this.#state?.keys;
    if (keys?.holder(use.senderId, use)?.seq === use.seq) return;
    keys?.remember(use.senderId, use.clientRandom, use);
  }

  /** The store knew a key of this sender that this memory does not: ask it first for a while. */
  doubt(senderId: string): void {
    this.#doubts.doubt(senderId);
  }

  /** The entry is in a batch that is on its way. */
  sent(entry: Entry): void {
    entry.turn.inFlight = true;
    this.#inFlight++;
  }

  /** Durable: tells whoever listens, then answers whatever waited for it. */
  stored(entry: Entry): void {
    this.#landed(entry);
    const { rev, membersRev, members, events } = entry.change;
    this.#durableRev = rev;
    this.#around.pubsub.publish({
      type: "changes",
      conversationId: this.id,
      rev,
      membersRev,
      members,
      events,
    });
    for (const event of events) {
      if (event.type === "message_sent") this.#around.sent(event);
      else this.#noteChange(entry.turn.command, event);
    }
    this.#settle();
    if (this.#decided < this.#mailbox.size) this.#decideWaiting();
  }

  #noteChange(command: Command, event: Event): void {
    if ("member" in event && event.member.leftSeq !== null) this.#around.left(event);
    const note = securityNoteOf(command, event);
    if (note) this.#around.observer.security(note.event, note.fields);
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
    this.#answer(entry.turn, rejection);
    this.#mailbox.retain((turn) => turn !== entry.turn);
    this.#decided = Math.max(0, this.#decided - 1);
    this.invalidate();
  }

  /** Nothing in memory is to be trusted any more: load afresh, as soon as nothing of it is on its way. */
  invalidate(): void {
    this.attempt++;
    this.#isWanted = true;
    this.#reloadWanted = true;
    this.#reloadWhenLanded();
  }

  /** Ends the waiting of those whose deadline has passed: undecided ones are dropped, decided ones may still be stored. */
  expire(nowMs: number): void {
    this.refuseUndecided((turn) => turn.deadlineMs <= nowMs, tooLate);
    for (let index = 0; index < this.#decided; index++) {
      const turn = this.#mailbox.at(index);
      if (turn.deadlineMs > nowMs) return;
      if (turn.answer) this.#answer(turn, outcomeUnknown);
    }
  }

  /** Refuses the undecided turns for which `which` holds. */
  refuseUndecided(which: (turn: Turn) => boolean, rejection: Rejection): void {
    if (this.#decided === this.#mailbox.size) return;
    const refused: Turn[] = [];
    this.#mailbox.retain((turn) => {
      if (turn.decision || !which(turn)) return true;
      refused.push(turn);
      return false;
    });
    for (const turn of refused) this.#answer(turn, rejection);
  }

  #landed(entry: Entry): void {
    entry.turn.inFlight = false;
    this.#inFlight--;
    if (this.#inFlight === 0 && this.#reloadWanted) queueMicrotask(() => this.#reloadWhenLanded());
  }

  #reloadWhenLanded(): void {
    if (!this.#reloadWanted || this.#inFlight > 0) return;
    this.#reloadWanted = false;
    this.#state = null;
    this.#undecideAll();
    this.#around.reload(this);
  }

  /** Those already told that their outcome is unknown are not tried again: nobody waits for them. */
  #undecideAll(): void {
    this.#mailbox.retain((turn) => turn.answer !== null);
    for (let index = 0; index < this.#mailbox.size; index++) undecide(this.#mailbox.at(index));
    this.#decided = 0;
  }

  #decideWaiting(): void {
    while (this.#decided < this.#mailbox.size && this.#canDecide()) {
      const turn = this.#mailbox.at(this.#decided);
      if (this.#needsProbe(turn)) return this.#probeWhenDurable();
      this.#decided++;
      this.#decide(turn);
    }
    if (this.#decided === this.#mailbox.size) this.#forgetLearned();
  }

  /** Nobody waits for it any more, and what comes next is looked up afresh. It can be large: contents, and a thousand reactions each. */
  #forgetLearned(): void {
    if (!this.#state) return;
    if (this.#state.targets.size > 0) this.#state.targets = new Map();
    if (this.#state.contacts.size > 0) this.#state.contacts = new Map();
    this.#state.metadata = null;
  }

  #canDecide(): boolean {
    return (
      this.#state !== null && !this.#reloadWanted && !this.#probing && this.#around.mayDecide(this.shard)
    );
  }

  #decide(turn: Turn): void {
    const state = this.#state!;
    const decision = this.#charged(turn, this.#decisionOn(turn.command, state), state);
    turn.decision = decision;
    if (decision.type === "decided" && decision.events.length > 0) this.#expect(turn, decision, state);
    turn.decidedRev = state.rev;
    if (turn.decidedRev <= this.#durableRev) this.#settle();
  }

  /** A rule that throws costs its own command, not the conversation. */
  #decisionOn(command: Command, state: ConversationState): Decision {
    try {
      return decide(state, command, this.#around.clock.nowUs());
    } catch (error) {
      this.#around.observer.bug("deciding a command", error);
      return undecidable;
    }
  }

  /** Turns a decision into a refusal if it costs more than its user has left. */
  #charged({ charge }: Turn, decision: Decision, state: ConversationState): Decision {
    return charge?.settle(decision, state) ?? decision;
  }

  #expect(turn: Turn, decision: Decision & { readonly type: "decided" }, state: ConversationState): void {
    for (const event of decision.events) apply(state, event);
    this.#weigh(state);
    const { rev, members, membersRev } = state;
    turn.change = { conversationId: this.id, rev, events: decision.events, members, membersRev };
    this.#around.commit({ actor: this, turn, change: turn.change, attempt: this.attempt });
  }

  #weigh(state: ConversationState): void {
    const bytes = bytesOf(state);
    if (bytes === this.bytes) return;
    const more = bytes - this.bytes;
    this.bytes = bytes;
    this.#around.weighed(this, more);
  }

  /** Answers from the front, in order, as far as what they were decided at is durable. */
  #settle(): void {
    for (;;) {
      const turn = this.#mailbox.front;
      if (!turn || this.#decided === 0 || turn.decidedRev > this.#durableRev) return;
      this.#mailbox.shift();
      this.#decided--;
      this.#tell(turn, turn.decision!);
    }
  }

  #tell(turn: Turn, decision: Decision): void {
    switch (decision.type) {
      case "decided":
        return this.#answer(turn, { type: "done", events: decision.events });
      case "duplicate":
        return this.#around.answerDuplicate(turn, decision);
      case "unchanged":
        return this.#answer(turn, decision);
      case "rejection":
        return decision === noSuchConversation
          ? this.#around.refuseStranger(turn)
          : this.#answer(turn, decision);
    }
  }

  #answer(turn: Turn, outcome: Outcome): void {
    const answer = turn.answer;
    if (!answer) return;
    turn.answer = null;
    if (outcome.type === "rejection") this.#refused(turn, outcome);
    else this.#around.observer.commandAcknowledged(this.#around.clock.monotonicMs() - turn.acceptedMs);
    try {
      answer(outcome);
    } catch (error) {
      this.#around.observer.bug("answering a command", error);
    }
  }

  #refused({ command, charge }: Turn, rejection: Rejection): void {
    const { observer } = this.#around;
    const { code } = rejection;
    if (rejection !== outcomeUnknown) charge?.annul();
    if (code !== "forbidden") return;
    const { senderId, type, conversationId } = command;
    observer.security("privilege_refused", {
      user_id: senderId,
      operation: type,
      conversation_id: conversationId,
    });
  }

  /** A doubted key, or what a command is about. */
  #needsProbe({ command, probed }: Turn): boolean {
    if (probed || !this.#mayAct(command)) return false;
    if (targetIdOf(command) !== null || isAboutMetadata(command)) return true;
    return metBy(command).length > 0 || this.#doubtsKeyOf(command);
  }

  /** Nothing is looked up for strangers: it would take time where there is something. */
  #mayAct(command: Command): boolean {
    return isOfServer(command) || this.hasMember(command.senderId);
  }

  #doubtsKeyOf(command: Command): boolean {
    if (!this.#doubts.isIn(command)) return false;
    return !this.#state!.keys.find(command.senderId, sendKeyOf(command)!);
  }

  /**
   * What is read must hold when it is decided upon: nothing may be on its way meanwhile. `stored` comes back here. Costs a busy
   * conversation one round trip for up to a hundred commands about up to 32 older messages.
   */
  #probeWhenDurable(): void {
    if (this.#state!.rev === this.#durableRev) this.#probeWaiting();
  }

  /**
   * Asks for what the waiting commands need, many at once: a storm of repeats costs few reads. Messages that were looked up before are asked
   * for again while a command about them waits: what comes replaces what was known.
   */
  #probeWaiting(): void {
    const keys: KeyLookup[] = [];
    const messageIds = new Set<string>();
    const contacts: ContactsLookup[] = [];
    let metadata = false;
    const last = Math.min(this.#mailbox.size, this.#decided + probedAtOnce);
    const hasRoom = () => messageIds.size < targetsAtOnce && contacts.length < additionsAtOnce;
    for (let index = this.#decided; index < last && hasRoom(); index++) {
      const turn = this.#mailbox.at(index);
      // Should they be a member again by its turn, it is asked for then.
      if (!this.#mayAct(turn.command)) turn.probed = false;
      if (!this.#mayAct(turn.command)) continue;
      const messageId = targetIdOf(turn.command);
      const isDoubted = !turn.probed && this.#doubtsKeyOf(turn.command);
      const asksMetadata = isAboutMetadata(turn.command);
      const asksContacts = metBy(turn.command).length > 0;
      if (messageId === null && !isDoubted && !asksMetadata && !asksContacts) continue;
      if (messageId !== null) messageIds.add(messageId);
      if (asksMetadata) metadata = true;
      if (asksContacts) contacts.push(contactsQuestion(turn.command));
      if (isDoubted) keys.push(this.#keyQuestion(turn.command));
      turn.probed = true;
    }
    this.#probing = true;
    this.#around.probe(this, { keys, messageIds: [...messageIds], contacts, metadata });
  }

  #keyQuestion(command: Command): KeyLookup {
    this.#doubts.useUp(command.senderId);
    return { conversationId: this.id, senderId: command.senderId, ...sendKeyOf(command)! };
  }
}

function contactsQuestion(command: Command): ContactsLookup {
  const asksFirst = command.type === "add_members" && command.asksFirst === true;
  const { conversationId, senderId: adderId } = command;
  return { conversationId, adderId, userIds: metBy(command), asksFirst };
}

function undecide(turn: Turn): void {
  turn.probed = false;
  turn.decision = null;
  turn.decidedRev = -1;
  turn.change = null;
}
