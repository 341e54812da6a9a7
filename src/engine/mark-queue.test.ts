import { expect, test } from "bun:test";
import type { MarkedConversation, MarkMove, MarkMoved } from "../core/messages/marks.ts";
import type { Rejection } from "../core/rejection.ts";
import { newId } from "../system.ts";
import { VirtualClock } from "../testing/clock.ts";
import { MarkQueue } from "./mark-queue.ts";

const restMs = 1_000;
const wholeConversation = Number.MAX_SAFE_INTEGER;

/** A queue whose marks are stored by hand, in conversations whose head is said. */
class Flushing {
  readonly clock = new VirtualClock();
  readonly queue = new MarkQueue({ clock: this.clock, wake: () => {} });
  readonly conversationId = newId();
  readonly userId = newId();
  readonly answers: (Rejection | null)[] = [];

  read(seq: number): void {
    const { conversationId, userId } = this;
    this.queue.note({ type: "mark", conversationId, userId, kind: "read", seq }, (refusal) => {
      this.answers.push(refusal);
    });
  }

  /** What was flushed. */
  flush(headSeq: number): readonly (number | null)[] {
    const taken = this.queue.take(100, () => true);
    this.queue.stored(
      taken,
      taken.moves.map((move) => markedOf(move, headSeq)),
    );
    return taken.moves.map(({ readSeq }) => readSeq);
  }

  rest(): Promise<void> {
    return this.clock.runFor(restMs);
  }
}

function markedOf({ conversationId, userId, readSeq }: MarkMove, headSeq: number): MarkedConversation {
  const readTo = Math.min(readSeq ?? 0, headSeq);
  const moved: MarkMoved = {
    userId,
    deliveredFrom: 0,
    deliveredTo: 0,
    readFrom: 0,
    readTo,
    wasUnread: false,
  };
  return { conversationId, moved: [moved], members: [], messages: [] };
}

test("a mark goes at once, the next of the same member rests with it, and however often it moves it is one row", async () => {
  const flushing = new Flushing();
  flushing.read(1);
  expect(flushing.flush(9)).toEqual([1]);
  for (const seq of [2, 3, 4]) flushing.read(seq);
  expect(flushing.queue.due).toBe(0);
  await flushing.rest();
  expect(flushing.flush(9)).toEqual([4]);
  expect(flushing.answers).toEqual([null, null, null, null]);
});

test("a mark of the whole conversation stands for the messages that there are, not for those that come", async () => {
  const flushing = new Flushing();
  flushing.read(wholeConversation);
  expect(flushing.flush(3)).toEqual([wholeConversation]);
  flushing.read(4);
  expect(flushing.answers).toEqual([null]);
  await flushing.rest();
  expect(flushing.flush(4)).toEqual([4]);
  expect(flushing.answers).toEqual([null, null]);
});

test("what is marked while a mark is on its way is answered with it only if it is stored by it", async () => {
  const flushing = new Flushing();
  flushing.read(wholeConversation);
  const taken = flushing.queue.take(100, () => true);
  flushing.read(3);
  flushing.read(4);
  expect(flushing.queue.due).toBe(0);
  flushing.queue.stored(
    taken,
    taken.moves.map((move) => markedOf(move, 3)),
  );
  expect(flushing.answers).toEqual([null]);
  await flushing.rest();
  expect(flushing.flush(4)).toEqual([4]);
  expect(flushing.answers).toEqual([null, null, null]);
});

test("a refusal is rested like a mark: who repeats it does not cost a statement each time", async () => {
  const flushing = new Flushing();
  const refuse = () => {
    const taken = flushing.queue.take(100, () => true);
    flushing.queue.stored(taken, []);
    return taken.moves.length;
  };
  flushing.read(1);
  expect(refuse()).toBe(1);
  flushing.read(1);
  flushing.read(2);
  expect(flushing.queue.due).toBe(0);
  await flushing.rest();
  expect(flushing.queue.due).toBe(1);
  expect(refuse()).toBe(1);
  expect(flushing.answers.map((refusal) => refusal?.code)).toEqual(Array(3).fill("not_found"));
  await flushing.rest();
  await flushing.queue.drain();
});
