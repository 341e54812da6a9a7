import { noSuchConversation } from "../../core/access.ts";
import type { MarkedConversation, MarkKind, MarkMember } from "../../core/messages/marks.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Rejection } from "../../core/rejection.ts";
import { tooManyMarks, unreachable } from "../refusals.ts";
import { type MarkAnswer, MarkAnswers } from "./mark-answers.ts";
import {
  dropAnswered,
  manyAnswers,
  movesOf,
  newlyReadOf,
  noMarks,
  notStored,
  partition,
  reach,
  type Slot,
  send,
  type TakenMarks,
} from "./mark-slots.ts";

/** A mark is flushed at most once in this time for each member, conversation and kind; at once when it was not lately. */
const restMs = 1_000;
/** The most marks that wait or rest; beyond it new ones are refused. */
const maxSlots = 200_000;

/**
 * The marks of one lane's conversations. Absolute and only growing, so that however often a mark moves between two flushes it is one
 * row; they need no actor, and nothing is lost with them that the next mark does not bring.
 */
export class MarkQueue {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #slots: Readonly<Record<MarkKind, Map<string, Map<string, Slot>>>> = {
    delivered: new Map(),
    read: new Map(),
  };
  readonly #answers: MarkAnswers;
  #size = 0;
  #due: Slot[] = [];
  /** In the order in which their rest ends. */
  #resting: { readonly slot: Slot; readonly untilMs: number }[] = [];
  #isTiming = false;
  #draining = false;
  #whenEmpty: (() => void)[] = [];

  /** `wake`: something is due. */
  constructor(options: {
    readonly clock: Clock;
    readonly observer: Observer;
    readonly wake: () => void;
  }) {
    this.#clock = options.clock;
    this.#wake = options.wake;
    this.#answers = new MarkAnswers(options);
  }

  get due(): number {
    return this.#due.length;
  }

  /** Marks that wait, are on their way or rest. */
  get size(): number {
    return this.#size;
  }

  note({ conversationId, userId, kind, seq }: MarkMember, answer?: MarkAnswer): void {
    const slot = this.#slotOf(conversationId, userId, kind);
    if (!slot) return answer?.(tooManyMarks);
    if (slot.storedSeq >= seq) return answer?.(null, 0);
    if (answer && !this.#keepAnswer(slot, answer)) {
      if (slot.state === "new") this.#forget(slot);
      return answer(tooManyMarks);
    }
    if (seq > slot.seq) slot.seq = seq;
    if (slot.state === "new") this.#makeDue(slot);
  }

  /** False: too many wait. */
  #keepAnswer(slot: Slot, answer: MarkAnswer): boolean {
    const waiting = this.#answers.add(answer);
    if (!waiting) return false;
    if (slot.answers.length >= slot.manyAnswers) dropAnswered(slot);
    slot.answers.push(waiting);
    return true;
  }

  /** Former members must not be answered from memory: the store decides whether they may move their marks. */
  left(conversationId: string, userId: string): void {
    for (const kind of ["delivered", "read"] as const) {
      const slot = this.#slots[kind].get(conversationId)?.get(userId);
      if (slot) slot.storedSeq = notStored;
    }
  }

  /**
   * The member marked the conversation as unread. The next read mark has to reach the store, which ends that, also when the same mark is
   * stored already or on its way.
   */
  markedUnread(conversationId: string, userId: string): void {
    const slot = this.#slots.read.get(conversationId)?.get(userId);
    if (!slot) return;
    slot.storedSeq = notStored;
    slot.isMarkedUnread = slot.state === "sent";
  }

  /** The oldest that are due, except of conversations that may not go now. */
  take(max: number, mayGo: (conversationId: string) => boolean): TakenMarks {
    if (this.#due.length === 0) return noMarks;
    const slots: Slot[] = [];
    const kept: Slot[] = [];
    for (const slot of this.#due) {
      (slots.length < max && mayGo(slot.conversationId) ? slots : kept).push(slot);
    }
    this.#due = kept;
    if (slots.length === 0) return noMarks;
    for (const slot of slots) send(slot);
    return { slots, moves: movesOf(slots) };
  }

  stored({ slots }: TakenMarks, marked: readonly MarkedConversation[]): void {
    const conversations = new Map(marked.map((each) => [each.conversationId, each]));
    const moves = new Map(
      marked.flatMap(({ conversationId, moved }) =>
        moved.map((move) => [`${conversationId} ${move.userId}`, move]),
      ),
    );
    for (const slot of slots) {
      const move = moves.get(`${slot.conversationId} ${slot.userId}`);
      if (move) reach(slot, move);
      if (!move) this.#settle(slot, noSuchConversation);
      else this.#settle(slot, null, newlyReadOf(slot, move, conversations.get(slot.conversationId)!));
    }
  }

  /** Those that are still on their way were not stored; they are due again. */
  again({ slots }: TakenMarks): void {
    for (const slot of slots) {
      if (slot.state === "void") this.#settle(slot, unreachable);
      if (slot.state !== "sent") continue;
      slot.answers = [...slot.sentAnswers, ...slot.answers].filter(({ isGiven }) => !isGiven);
      slot.sentAnswers = [];
      this.#makeDue(slot);
    }
  }

  /**
   * The store has another history: a mark of the old one could cover messages that nobody has seen. What is on its way was meant for the
   * old one too, and is refused when it comes back to go again.
   */
  forgetAll(): void {
    this.#due = [];
    this.#resting = [];
    for (const kind of ["delivered", "read"] as const) {
      for (const slot of [...this.#slots[kind].values()].flatMap((users) => [...users.values()])) {
        slot.state = "void";
        this.#end(slot);
      }
    }
  }

  #end(slot: Slot): void {
    const { answers } = slot;
    slot.answers = [];
    this.#forget(slot);
    for (const answer of answers) answer(unreachable);
  }

  /** Another node stores the marks of these conversations from now on: those that are due here are refused, to be sent again. */
  lose(isLost: (conversationId: string) => boolean): void {
    const [lost, kept] = partition(this.#due, ({ conversationId }) => isLost(conversationId));
    this.#due = kept;
    for (const slot of lost) this.#end(slot);
  }

  refused({ slots }: TakenMarks, refusal: Rejection): void {
    for (const slot of slots) this.#settle(slot, refusal);
  }

  /** Nothing rests any more; resolves when nothing waits. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#restOver(Number.POSITIVE_INFINITY);
    if (this.#size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  #slotOf(conversationId: string, userId: string, kind: MarkKind): Slot | null {
    const conversations = this.#slots[kind];
    let users = conversations.get(conversationId);
    const known = users?.get(userId);
    if (known) return known;
    if (this.#size >= maxSlots) return null;
    if (!users) {
      users = new Map();
      conversations.set(conversationId, users);
    }
    const slot: Slot = {
      conversationId,
      userId,
      kind,
      seq: 0,
      sentSeq: 0,
      storedSeq: notStored,
      isMarkedUnread: false,
      state: "new",
      answers: [],
      manyAnswers,
      sentAnswers: [],
    };
    users.set(userId, slot);
    this.#size++;
    return slot;
  }

  #makeDue(slot: Slot): void {
    slot.state = "due";
    this.#due.push(slot);
    this.#wake();
  }

  #settle(slot: Slot, refusal: Rejection | null, newlyRead?: number): void {
    const answers = slot.sentAnswers;
    slot.sentAnswers = [];
    if (slot.state !== "void") this.#rest(slot);
    for (const answer of answers) answer(refusal, newlyRead);
  }

  #rest(slot: Slot): void {
    slot.state = "resting";
    this.#resting.push({ slot, untilMs: this.#clock.monotonicMs() + restMs });
    if (this.#draining) this.#restOver(Number.POSITIVE_INFINITY);
    else this.#time();
  }

  #time(): void {
    const next = this.#resting[0];
    if (this.#isTiming || !next) return;
    this.#isTiming = true;
    this.#clock.after(Math.max(1, next.untilMs - this.#clock.monotonicMs()), () => {
      this.#isTiming = false;
      this.#restOver(this.#clock.monotonicMs());
      this.#time();
    });
  }

  /** A mark that has rested goes again when there is more, and is forgotten when there is not. */
  #restOver(nowMs: number): void {
    let over = 0;
    while (over < this.#resting.length && this.#resting[over]!.untilMs <= nowMs) over++;
    for (const { slot } of this.#resting.splice(0, over)) {
      if (slot.seq > slot.sentSeq || slot.answers.length > 0) this.#makeDue(slot);
      else this.#forget(slot);
    }
  }

  #forget({ conversationId, userId, kind }: Slot): void {
    const users = this.#slots[kind].get(conversationId);
    if (!users?.delete(userId)) return;
    if (users.size === 0) this.#slots[kind].delete(conversationId);
    this.#size--;
    if (this.#size > 0) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}
