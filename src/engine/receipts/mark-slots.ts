import type { MarkedConversation, MarkKind, MarkMove, MarkMoved } from "../../core/messages/marks.ts";
import type { WaitingAnswer } from "./mark-answers.ts";

/** Answers of one mark from which on those that were given because of their deadline are looked for and dropped. */
export const manyAnswers = 64;

/** Lower than any mark that is asked for. */
export const notStored = -1;

/** One mark of one member in one conversation, from when it moves until it has rested. */
export interface Slot {
  readonly conversationId: string;
  readonly userId: string;
  readonly kind: MarkKind;
  /** The mark that is wanted, the one that is on its way, and the one that is durable. */
  seq: number;
  sentSeq: number;
  storedSeq: number;
  /** The conversation was marked as unread while this mark was on its way. */
  isMarkedUnread: boolean;
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

export function partition(slots: readonly Slot[], test: (slot: Slot) => boolean): readonly [Slot[], Slot[]] {
  const yes: Slot[] = [];
  const no: Slot[] = [];
  for (const slot of slots) (test(slot) ? yes : no).push(slot);
  return [yes, no];
}

/** Returns the halves of two moves or more. Both kinds of one member stay together. */
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
export function dropAnswered(slot: Slot): void {
  slot.answers = slot.answers.filter(({ isGiven }) => !isGiven);
  slot.manyAnswers = Math.max(manyAnswers, 2 * slot.answers.length);
}

export function send(slot: Slot): void {
  slot.state = "sent";
  slot.sentSeq = slot.seq;
  slot.sentAnswers = slot.answers;
  slot.answers = [];
}

/**
 * Sets the mark to where the store says it is: a mark beyond the head is not there, and is wanted no more. If the conversation was marked as
 * unread meanwhile, the same mark has to reach the store again.
 */
export function reach(slot: Slot, { deliveredTo, readTo }: MarkMoved): void {
  const reached = slot.kind === "delivered" ? deliveredTo : readTo;
  if (slot.seq === slot.sentSeq) slot.seq = reached;
  slot.sentSeq = reached;
  slot.storedSeq = slot.isMarkedUnread ? notStored : reached;
  slot.isMarkedUnread = false;
}

/**
 * Messages of others that a flushed mark moved over. The reader's own are known among the newest ones only; there are none further back,
 * because sending marks everything before it as read.
 */
export function newlyReadOf(
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
export function movesOf(slots: readonly Slot[]): MarkMove[] {
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
