import { noSuchConversation } from "../../core/access.ts";
import type {
  MarkedConversation,
  MarkKind,
  MarkMember,
  MarkMove,
  MarkMoved,
} from "../../core/messages/marks.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Rejection } from "../../core/rejection.ts";
import { tooManyMarks, unreachable } from "../refusals.ts";
import { type MarkAnswer, MarkAnswers, type WaitingAnswer } from "./mark-answers.ts";

/** A mark is flushed at most once in this time for each member, conversation and kind; at once when it was not lately. */
const restMs = 1_000;
/** The most marks that wait or rest; beyond it new ones are refused. */
const maxSlots = 200_000;
/** Answers of one mark from which on those that were given because of their deadline are looked for and dropped. */
const manyAnswers = 64;

/** Lower than any mark that is asked for. */
const notStored = -1;

/** One mark of one member in one conversation, from when it moves until it has rested. */
interface Slot {
  readonly conversationId: string;
  readonly userId: string;
  readonly kind: MarkKind;
  /** What is wanted, what is on its way, and what is durable. */
  seq: number;
  sentSeq: number;
  storedSeq: number;
  /** Void: it was on its way when the store turned out to have another history. */
  state: "new" | "due" | "sent" | "resting" | "void";
  answers: WaitingAnswer[];
  /** At this length of `answers` those that were given are dropped. */
  manyAnswers: number;
  sentAnswers: WaitingAnswer[];
}

/** Marks on their way to the store. Given back to `stored`, `again` or `refused`, whole. */
export interface TakenMarks {
  readonly moves: readonly MarkMove[];
  readonly slots: readonly Slot[];
}

export const noMarks: TakenMarks = { moves: [], slots: [] };

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

  /** Who is no member any more is answered by the store alone: where his marks were says no longer that he may move them. */
  left(conversationId: string, userId: string): void {
    for (const kind of ["delivered", "read"] as const) {
      const slot = this.#slots[kind].get(conversationId)?.get(userId);
      if (slot) slot.storedSeq = notStored;
    }
  }

  /** The member marked the conversation as unread: a read mark that is stored already has to reach the store again, which ends that. */
  markedUnread(conversationId: string, userId: string): void {
    const slot = this.#slots.read.get(conversationId)?.get(userId);
    if (slot) slot.storedSeq = notStored;
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

  /** Who has rested moves on when there is more, and is forgotten when there is not. */
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

function partition(slots: readonly Slot[], test: (slot: Slot) => boolean): readonly [Slot[], Slot[]] {
  const yes: Slot[] = [];
  const no: Slot[] = [];
  for (const slot of slots) (test(slot) ? yes : no).push(slot);
  return [yes, no];
}

/** Of two moves or more. Both kinds of one member stay together. */
export function halvesOfMarks({ moves, slots }: TakenMarks): readonly [TakenMarks, TakenMarks] {
  const middle = Math.ceil(moves.length / 2);
  const first = new Set(moves.slice(0, middle).map(({ conversationId, userId }) => conversationId + userId));
  const isFirst = ({ conversationId, userId }: Slot) => first.has(conversationId + userId);
  return [
    { moves: moves.slice(0, middle), slots: slots.filter(isFirst) },
    { moves: moves.slice(middle), slots: slots.filter((slot) => !isFirst(slot)) },
  ];
}

/** Costs each answer a constant: the length at which it is done again is twice that of what is left. */
function dropAnswered(slot: Slot): void {
  slot.answers = slot.answers.filter(({ isGiven }) => !isGiven);
  slot.manyAnswers = Math.max(manyAnswers, 2 * slot.answers.length);
}

function send(slot: Slot): void {
  slot.state = "sent";
  slot.sentSeq = slot.seq;
  slot.sentAnswers = slot.answers;
  slot.answers = [];
}

/** It is where the store says: a mark beyond the head is not there, and is wanted no more. */
function reach(slot: Slot, { deliveredTo, readTo }: MarkMoved): void {
  slot.storedSeq = slot.kind === "delivered" ? deliveredTo : readTo;
  if (slot.seq === slot.sentSeq) slot.seq = slot.storedSeq;
  slot.sentSeq = slot.storedSeq;
}

/**
 * Messages of others that a flushed mark moved over. The reader's own are known among the newest ones only; there are none further back,
 * because sending marks everything before it as read.
 */
function newlyReadOf(
  { sentAnswers, kind }: Slot,
  { userId, readFrom, readTo }: MarkMoved,
  { messages }: MarkedConversation,
): number {
  if (sentAnswers.length === 0 || kind !== "read") return 0;
  const own = messages.filter(
    ({ seq, senderId }) => senderId === userId && seq > readFrom && seq <= readTo,
  ).length;
  return readTo - readFrom - own;
}

/** Both kinds of one member are one move. */
function movesOf(slots: readonly Slot[]): MarkMove[] {
  const moves = new Map<string, { -readonly [K in keyof MarkMove]: MarkMove[K] }>();
  for (const { conversationId, userId, kind, sentSeq } of slots) {
    const key = conversationId + userId;
    let move = moves.get(key);
    if (!move) {
      move = { conversationId, userId, deliveredSeq: null, readSeq: null };
      moves.set(key, move);
    }
    if (kind === "delivered") move.deliveredSeq = sentSeq;
    else move.readSeq = sentSeq;
  }
  return [...moves.values()];
}
