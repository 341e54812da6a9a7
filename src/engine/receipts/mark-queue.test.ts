import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { MarkedConversation, MarkMember, MarkMove } from "../../core/messages/marks.ts";
import { reject } from "../../core/rejection.ts";
import { seeds } from "../../testing/builders/arbitraries.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { Random } from "../../testing/builders/random.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { MarkQueue } from "./mark-queue.ts";
import { noMarks, type TakenMarks } from "./mark-slots.ts";

const restMs = 1_000;
const maxSlots = 200_000;
const maxAnswers = 100_000;
const longestWaitMs = 10_000;

/** A queue, and a store that knows who is a member and how far the head is. */
function aQueue() {
  const clock = new VirtualClock();
  const notes = noteTaker();
  const strangers = new Set<string>();
  let headSeq = 1_000_000;
  let wakes = 0;
  const queue = new MarkQueue({ clock, observer: notes.observer, wake: () => void wakes++ });
  const take = (max = 500) => queue.take(max, () => true);
  const store = (taken: TakenMarks) =>
    queue.stored(
      taken,
      taken.moves.map((move) => markedBy(move, { isMember: !strangers.has(move.userId), headSeq })),
    );
  return {
    clock,
    queue,
    strangers,
    notes,
    take,
    store,
    wakes: () => wakes,
    headAt(seq: number) {
      headSeq = seq;
    },
    /** What goes to the store now; it is stored at once. */
    flush(): readonly MarkMove[] {
      const taken = take();
      store(taken);
      return taken.moves;
    },
  };
}

function markedBy(
  { conversationId, userId, deliveredSeq, readSeq }: MarkMove,
  { isMember, headSeq }: { readonly isMember: boolean; readonly headSeq: number },
): MarkedConversation {
  const readTo = Math.min(headSeq, readSeq ?? 0);
  const deliveredTo = Math.min(headSeq, Math.max(deliveredSeq ?? 0, readSeq ?? 0));
  const moved = { userId, deliveredFrom: 0, deliveredTo, readFrom: 0, readTo, wasUnread: false };
  return { conversationId, moved: isMember ? [moved] : [], members: [], messages: [] };
}

function aMark(seq: number, given: Partial<MarkMember> = {}): MarkMember {
  return { type: "mark", conversationId: "talk", userId: "anna", kind: "read", seq, ...given };
}

const readTo = (seq: number): MarkMove => ({
  conversationId: "talk",
  userId: "anna",
  deliveredSeq: null,
  readSeq: seq,
});

test("an answer says how many messages of others were read with it, and of delivery none", () => {
  const { queue, take } = aQueue();
  const counts: (number | undefined)[] = [];
  const answer = (_: unknown, newlyRead?: number) => void counts.push(newlyRead);
  queue.note(aMark(9, { kind: "delivered" }), answer);
  queue.note(aMark(9), answer);
  queue.note(aMark(8), answer);
  const message = (seq: number, senderId: string) => ({ id: `m${seq}`, seq, senderId });
  const messages = [message(9, "ben"), message(6, "anna"), message(5, "ben"), message(4, "anna")];
  const moved = {
    userId: "anna",
    deliveredFrom: 4,
    deliveredTo: 9,
    readFrom: 4,
    readTo: 9,
    wasUnread: false,
  };
  queue.stored(take(), [{ conversationId: "talk", moved: [moved], members: [], messages }]);
  queue.note(aMark(7), answer);
  expect(counts).toEqual([0, 4, 4, 0]);
});

describe("how often", () => {
  test("a mark that did not move lately goes at once", () => {
    const { queue, wakes, flush } = aQueue();
    queue.note(aMark(3));
    expect(wakes()).toBe(1);
    expect(flush()).toEqual([readTo(3)]);
  });

  test("one that did waits until a second after it was stored, and however often it moved, it is one", async () => {
    const { queue, clock, flush } = aQueue();
    queue.note(aMark(1));
    flush();
    for (const seq of [2, 5, 4]) {
      await clock.runFor(300);
      queue.note(aMark(seq));
      expect(flush()).toEqual([]);
    }
    await clock.runFor(restMs - 900);
    expect(flush()).toEqual([readTo(5)]);
  });

  test("another kind, another member and another conversation do not wait for it", () => {
    const { queue, flush } = aQueue();
    queue.note(aMark(3));
    flush();
    queue.note(aMark(3, { kind: "delivered" }));
    queue.note(aMark(3, { userId: "ben" }));
    queue.note(aMark(3, { conversationId: "other" }));
    expect(flush()).toEqual([
      { ...readTo(3), deliveredSeq: 3, readSeq: null },
      { ...readTo(3), userId: "ben" },
      { ...readTo(3), conversationId: "other" },
    ]);
  });

  test("both kinds of one member that go together are one row", () => {
    const { queue, flush } = aQueue();
    queue.note(aMark(7, { kind: "delivered" }));
    queue.note(aMark(4));
    expect(flush()).toEqual([{ ...readTo(4), deliveredSeq: 7 }]);
  });

  test("after a second without a move it is as if it had never moved", async () => {
    const { queue, clock, flush } = aQueue();
    queue.note(aMark(1));
    flush();
    await clock.runFor(restMs);
    queue.note(aMark(2));
    expect(flush()).toEqual([readTo(2)]);
  });

  test("who is no member asks the store no oftener than members do", async () => {
    const { queue, clock, strangers, flush } = aQueue();
    strangers.add("anna");
    queue.note(aMark(1));
    flush();
    queue.note(aMark(2));
    expect(flush()).toEqual([]);
    await clock.runFor(restMs);
    expect(flush()).toEqual([readTo(2)]);
  });

  test("marks of conversations that may not go now stay, the oldest first", () => {
    const { queue } = aQueue();
    for (const conversationId of ["one", "two", "three", "four"]) queue.note(aMark(1, { conversationId }));
    const names = ({ moves }: TakenMarks) => moves.map((move) => move.conversationId);
    expect(names(queue.take(2, (id) => id !== "one"))).toEqual(["two", "three"]);
    expect(queue.due).toBe(2);
    expect(queue.take(2, () => false)).toBe(noMarks);
    expect(names(queue.take(2, () => true))).toEqual(["one", "four"]);
  });
});

describe("answers", () => {
  /** Notes a mark and returns what was answered so far: refusal codes, or "durable". */
  function noted(queue: MarkQueue, mark: MarkMember): string[] {
    const answers: string[] = [];
    queue.note(mark, (refusal) => void answers.push(refusal?.code ?? "durable"));
    return answers;
  }

  test("come when the mark is durable, to everybody who waited for it", () => {
    const { queue, take, store } = aQueue();
    const first = noted(queue, aMark(1));
    const second = noted(queue, aMark(2));
    const taken = take();
    expect([first, second]).toEqual([[], []]);
    store(taken);
    expect([first, second]).toEqual([["durable"], ["durable"]]);
  });

  test("come at once for what is durable already", () => {
    const { queue, flush } = aQueue();
    queue.note(aMark(5));
    flush();
    expect(noted(queue, aMark(4))).toEqual(["durable"]);
  });

  test("wait for the next flush when the mark moved on while another was on its way", async () => {
    const { queue, clock, take, store, flush } = aQueue();
    queue.note(aMark(1));
    const taken = take();
    const answers = noted(queue, aMark(2));
    store(taken);
    expect(answers).toEqual([]);
    await clock.runFor(restMs);
    expect(flush()).toEqual([readTo(2)]);
    expect(answers).toEqual(["durable"]);
  });

  test("a mark beyond the head says nothing of later ones", async () => {
    const { queue, clock, headAt, flush } = aQueue();
    headAt(3);
    queue.note(aMark(1_000));
    flush();
    headAt(9);
    const answers = noted(queue, aMark(8));
    expect(answers).toEqual([]);
    await clock.runFor(restMs);
    expect(flush()).toEqual([readTo(8)]);
    expect(answers).toEqual(["durable"]);
  });

  test("refuse who is no member as one to a conversation that does not exist", () => {
    const { queue, strangers, flush } = aQueue();
    strangers.add("anna");
    const answers = noted(queue, aMark(1));
    const ofBen = noted(queue, aMark(1, { userId: "ben" }));
    flush();
    expect([answers, ofBen]).toEqual([["not_found"], ["durable"]]);
  });

  test("of who was removed meanwhile are the store's, also where his mark has been", async () => {
    const { queue, clock, strangers, flush } = aQueue();
    const [ofAnna, ofBen] = [noted(queue, aMark(3)), noted(queue, aMark(3, { userId: "ben" }))];
    flush();
    strangers.add("anna");
    queue.left("talk", "anna");
    const [again, again2] = [noted(queue, aMark(2)), noted(queue, aMark(2, { userId: "ben" }))];
    await clock.runFor(restMs);
    flush();
    expect([ofAnna, again]).toEqual([["durable"], ["not_found"]]);
    expect([ofBen, again2]).toEqual([["durable"], ["durable"]]);
  });

  test("come from the store again for a conversation that was marked as unread since, also while the mark was on its way", async () => {
    for (const when of ["stored", "on its way"]) {
      const { queue, clock, take, store, flush } = aQueue();
      queue.note(aMark(3));
      const taken = take();
      if (when === "stored") store(taken);
      queue.markedUnread("talk", "anna");
      if (when === "on its way") store(taken);
      const answers = noted(queue, aMark(3));
      expect([when, answers]).toEqual([when, []]);
      await clock.runFor(restMs);
      expect([flush(), answers]).toEqual([[readTo(3)], ["durable"]]);
      expect(noted(queue, aMark(3))).toEqual(["durable"]);
    }
  });

  test("of marks that were not stored are kept, in order, and the marks go again", () => {
    const { queue, take, store } = aQueue();
    const answered: string[] = [];
    queue.note(aMark(1), () => void answered.push("first"));
    const taken = take();
    queue.note(aMark(2), () => void answered.push("second"));
    queue.again(taken);
    expect(answered).toEqual([]);
    const retaken = take();
    expect(retaken.moves).toEqual([readTo(2)]);
    store(retaken);
    expect(answered).toEqual(["first", "second"]);
  });

  test("of marks that the store refuses are that refusal, and the next mark is tried", async () => {
    const { queue, clock, take, flush } = aQueue();
    const answers = noted(queue, aMark(1));
    queue.refused(take(), reject("internal", "The store refused it."));
    expect(answers).toEqual(["internal"]);
    const next = noted(queue, aMark(1));
    await clock.runFor(restMs);
    flush();
    expect(next).toEqual(["durable"]);
  });

  test("one that throws is a bug that is told, and keeps no other from its answer", () => {
    const { queue, notes, flush } = aQueue();
    queue.note(aMark(1), () => {
      throw new Error("a socket that is gone");
    });
    const second = noted(queue, aMark(1));
    const third = noted(queue, aMark(1, { userId: "ben" }));
    flush();
    expect([second, third]).toEqual([["durable"], ["durable"]]);
    expect(notes.bugs.map(({ where }) => where)).toEqual(["answering a mark"]);
  });
});

describe("I10: bounds", () => {
  test("a mark at no message at all is asked of the store like any other: it is no stranger's, and leaves nothing behind", async () => {
    const { queue, clock, strangers, flush } = aQueue();
    strangers.add("anna");
    const answers: (string | undefined)[] = [];
    queue.note(aMark(0), (refusal) => void answers.push(refusal?.code));
    queue.note(aMark(0, { userId: "ben" }), (refusal) => void answers.push(refusal?.code));
    expect(answers).toEqual([]);
    flush();
    expect(answers).toEqual(["not_found", undefined]);
    await clock.runFor(restMs);
    expect(queue.size).toBe(0);
  });

  test("only so many marks wait or rest; more are refused by name, those that are known still move", () => {
    const { queue } = aQueue();
    for (let member = 0; member < maxSlots; member++) queue.note(aMark(1, { userId: `member ${member}` }));
    const refusals: unknown[] = [];
    queue.note(aMark(1), (refusal) => void refusals.push(refusal));
    expect(refusals).toEqual([expect.objectContaining({ code: "overloaded", retryAfterMs: 1_000 })]);
    queue.note(aMark(2, { userId: "member 7" }), (refusal) => void refusals.push(refusal));
    expect(refusals).toHaveLength(1);
    expect(queue.size).toBe(maxSlots);
  });

  test("only so many wait for answers, over all marks; more are refused by name", () => {
    const { queue, flush } = aQueue();
    const answers: string[] = [];
    for (let time = 0; time <= maxAnswers; time++)
      queue.note(aMark(1, { userId: `member ${time % 3}` }), (refusal) => {
        answers.push(refusal?.code ?? "durable");
      });
    expect(answers).toEqual(["overloaded"]);
    flush();
    expect(new Set(answers.slice(1))).toEqual(new Set(["durable"]));
    expect(answers.length).toBe(maxAnswers + 1);
  });

  test("I12: a mark that is refused because too many wait takes no place, and a stop does not wait for it", async () => {
    const { queue, clock, flush } = aQueue();
    for (let time = 0; time < maxAnswers; time++) queue.note(aMark(1), () => {});
    const answers: (string | undefined)[] = [];
    queue.note(aMark(1, { userId: "ben" }), (refusal) => answers.push(refusal?.code));
    expect({ answers, size: queue.size }).toEqual({ answers: ["overloaded"], size: 1 });
    flush();
    await clock.runFor(restMs);
    expect(queue.size).toBe(0);
    await queue.drain();
  });

  test("while the store is away nobody waits longer than 10 s; the mark itself goes when it can", async () => {
    const { queue, clock, take, store, flush } = aQueue();
    const answers: (readonly [at: number, code: string])[] = [];
    const note = (seq: number) =>
      queue.note(aMark(seq), (refusal) => {
        answers.push([clock.monotonicMs() - startMs, refusal?.code ?? "durable"]);
      });
    const startMs = clock.monotonicMs();
    note(1);
    const away = take();
    await clock.runFor(4_000);
    note(2);
    await clock.runFor(longestWaitMs);
    expect(answers).toEqual([
      [longestWaitMs, "outcome_unknown"],
      [longestWaitMs + 4_000, "outcome_unknown"],
    ]);
    queue.again(away);
    note(3);
    expect(flush()).toEqual([readTo(3)]);
    expect(answers[2]?.[1]).toBe("durable");
    await clock.runFor(restMs);
    expect(queue.size).toBe(0);
    store(take());
  });

  test("those who gave up while the store was away leave nothing behind, however many come after them", async () => {
    const { queue, clock, take } = aQueue();
    let unknown = 0;
    queue.note(aMark(1));
    take();
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 5_000; n++)
        queue.note(aMark(2), (refusal) => {
          expect(refusal?.code).toBe("outcome_unknown");
          unknown++;
        });
      await clock.runFor(1_000);
    }
    expect(unknown).toBe(51 * 5_000);
  });

  test("nothing is left of marks that have rested, whatever became of them", async () => {
    const { queue, clock, strangers, take, store } = aQueue();
    strangers.add("stranger");
    queue.note(aMark(1));
    queue.note(aMark(1, { userId: "stranger" }));
    queue.note(aMark(1, { kind: "delivered", conversationId: "other" }));
    queue.again(take());
    store(take());
    expect(queue.size).toBe(3);
    await clock.runFor(restMs);
    expect(queue.size).toBe(0);
  });
});

describe("a drain", () => {
  test("flushes what rests, and ends when nothing waits", async () => {
    const { queue, clock, take, store, flush } = aQueue();
    queue.note(aMark(1));
    flush();
    queue.note(aMark(2));
    let isDrained = false;
    void queue.drain().then(() => (isDrained = true));
    const taken = take();
    expect(taken.moves).toEqual([readTo(2)]);
    queue.note(aMark(3));
    store(taken);
    await clock.runFor(0);
    expect(isDrained).toBe(false);
    expect(flush()).toEqual([readTo(3)]);
    await clock.runFor(0);
    expect(isDrained).toBe(true);
    expect(queue.size).toBe(0);
  });

  test("ends at once when there is nothing", async () => {
    await aQueue().queue.drain();
  });
});

/** One asking, and what came of it. */
interface Asked {
  readonly atMs: number;
  answeredAtMs: number;
  readonly mark: MarkMember;
  readonly answers: string[];
}

/** Marks that are asked for and stored at random, and what has to be true of it at every moment. */
class RandomMarks {
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #queue: MarkQueue;
  readonly #store: (taken: TakenMarks) => void;
  readonly #asked: Asked[] = [];
  readonly #reached = new Map<string, number>();
  readonly #writtenMs = new Map<string, number>();
  #isDraining = false;

  constructor(random: Random, { clock, queue, store, strangers }: ReturnType<typeof aQueue>) {
    this.#random = random;
    this.#clock = clock;
    this.#queue = queue;
    this.#store = store;
    strangers.add("stranger");
  }

  ask(): void {
    const random = this.#random;
    const mark = aMark(1 + random.below(50), {
      userId: random.pick(["anna", "ben", "stranger"]),
      kind: random.pick(["delivered", "read"]),
      conversationId: random.pick(["a", "b"]),
    });
    const atMs = this.#clock.monotonicMs();
    const asked: Asked = { mark, answers: [], atMs, answeredAtMs: 0 };
    this.#asked.push(asked);
    this.#queue.note(mark, (refusal) => {
      asked.answers.push(refusal?.code ?? "durable");
      asked.answeredAtMs = this.#clock.monotonicMs();
      if (!refusal) expect(this.#reachedBy(mark)).toBeGreaterThanOrEqual(mark.seq);
    });
  }

  send(): void {
    const random = this.#random;
    const taken = this.#queue.take(1 + random.below(4), () => random.chance(0.9));
    if (taken.slots.length > 0) this.#clock.after(random.below(300), () => this.#land(taken));
  }

  drain(): void {
    this.#isDraining = true;
    void this.#queue.drain();
  }

  judgeTheEnd(): void {
    expect(this.#queue.size).toBe(0);
    for (const { mark, answers, atMs, answeredAtMs } of this.#asked) {
      const isStranger = mark.userId === "stranger";
      const isLate = answeredAtMs - atMs >= longestWaitMs;
      expect(answers).toEqual([isLate ? "outcome_unknown" : isStranger ? "not_found" : "durable"]);
      if (!isStranger) expect(this.#reachedBy(mark)).toBeGreaterThanOrEqual(mark.seq);
    }
  }

  #land(taken: TakenMarks): void {
    if (this.#random.chance(0.3)) return this.#queue.again(taken);
    for (const slot of taken.slots) this.#write(slot, slot.sentSeq);
    this.#store(taken);
  }

  #write(mark: Omit<MarkMember, "type">, seq: number): void {
    const key = keyOf(mark);
    const nowMs = this.#clock.monotonicMs();
    const restedMs = nowMs - (this.#writtenMs.get(key) ?? -restMs);
    expect(restedMs >= restMs || this.#isDraining).toBe(true);
    this.#writtenMs.set(key, nowMs);
    this.#reached.set(key, Math.max(seq, this.#reached.get(key) ?? 0));
  }

  /** Whoever has read has received. */
  #reachedBy(mark: MarkMember): number {
    const read = this.#reached.get(keyOf({ ...mark, kind: "read" })) ?? 0;
    return Math.max(read, this.#reached.get(keyOf(mark)) ?? 0);
  }
}

function keyOf({ conversationId, userId, kind }: Omit<MarkMember, "type">): string {
  return `${conversationId} ${userId} ${kind}`;
}

test("whatever the store does, each mark ends where it was asked to, each asking is answered once and truly, and nobody is written oftener than once a second", async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const random = new Random(seed);
      const given = aQueue();
      const marks = new RandomMarks(random, given);
      for (let step = 0; step < 60; step++) {
        marks.ask();
        if (random.chance(0.6)) marks.send();
        await given.clock.runFor(random.pick([0, 0, 20, 200, 1_500]));
      }
      if (random.chance(0.5)) marks.drain();
      for (let time = 0; time < 60 && given.queue.size > 0; time++) {
        marks.send();
        await given.clock.runFor(500);
      }
      marks.judgeTheEnd();
    }),
    { numRuns: 150 },
  );
});

test("E3: of another history nothing is flushed any more: not what waits or rests, nor what comes back to go again", () => {
  const { queue, take, flush, clock } = aQueue();
  const answers: (string | null)[] = [];
  const note = (mark: MarkMember) => queue.note(mark, (refusal) => void answers.push(refusal?.code ?? null));
  note(aMark(1));
  flush();
  note(aMark(9));
  note(aMark(5, { userId: "ben" }));
  const onItsWay = take();
  note(aMark(7, { userId: "carl" }));
  queue.forgetAll();
  expect(answers).toEqual([null, "unavailable", "unavailable"]);
  note(aMark(6, { userId: "ben" }));
  queue.again(onItsWay);
  expect(answers.slice(3)).toEqual(["unavailable"]);
  clock.stall(restMs);
  expect(flush()).toEqual([{ ...readTo(6), userId: "ben" }]);
  note(aMark(2));
  expect(flush()).toEqual([readTo(2)]);
  expect(queue.size).toBe(2);
});
