import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import type { Arrival } from "../realtime/arrival.ts";
import { Admission, type AdmissionSettings, admissionDefaults, type Serving } from "./admission.ts";

interface World {
  readonly clock: VirtualClock;
  readonly admission: Admission;
  /** The outcomes in their order: how long each admitted one waited, or why it was refused. */
  readonly outcomes: (number | string)[];
  /** Of the time that passes, the part that is not this thread's work. */
  othersMs: number;
  serving: Serving;
}

function world(settings: Partial<AdmissionSettings> = {}): World {
  const clock = new VirtualClock();
  const outcomes: (number | string)[] = [];
  const { arrivalMs } = { ...admissionDefaults, ...settings };
  const made: World = {
    clock,
    outcomes,
    othersMs: 0,
    serving: "yes",
    admission: new Admission({
      clock,
      workedMs: () => clock.monotonicMs() - made.othersMs,
      serving: () => made.serving,
      pauses: { next: () => 1_234 },
      observer: {
        admitted: (waitedMs) => outcomes.push(waitedMs),
        refused: (reason) => outcomes.push(reason),
      },
      settings: { ...admissionDefaults, crowdedArrivalMs: arrivalMs, ...settings },
    }),
  };
  return made;
}

const few: Partial<AdmissionSettings> = { inProgress: { initial: 2, min: 2, max: 2 } };

/** A client; what it was answered, once it was. */
class Client {
  readonly #abort = new AbortController();
  answer: Arrival | Rejection | null = null;

  constructor(admission: Admission) {
    void Promise.resolve(admission.enter(this.#abort.signal)).then((answer) => {
      this.answer = answer;
    });
  }

  get arrival(): Arrival | null {
    return this.answer === null || isRejection(this.answer) ? null : this.answer;
  }

  abort(): void {
    this.#abort.abort();
  }
}

function clients(admission: Admission, count: number): Client[] {
  return Array.from({ length: count }, () => new Client(admission));
}

describe("a server with nothing to do", () => {
  test("admits who comes at once, without a promise in between", () => {
    const { admission, outcomes } = world();
    for (let each = 0; each < 100; each++)
      expect(admission.enter(new AbortController().signal)).not.toBeInstanceOf(Promise);
    expect(outcomes).toEqual(Array(100).fill(0));
  });

  test("admits a storm as fast as arrivals end, and learns to take more at a time", async () => {
    const { admission, clock, outcomes } = world();
    const storm = clients(admission, 5_000);
    for (let ms = 0; ms < 1_500; ms += 30) {
      await clock.runFor(30);
      for (const { arrival } of storm) arrival?.end();
    }
    expect(outcomes.filter((outcome) => typeof outcome === "number")).toHaveLength(5_000);
    expect(admission.state).toMatchObject({ waiting: 0, inProgress: 0 });
    expect(admission.state.maxInProgress).toBeGreaterThan(128);
  });
});

describe("arrivals beyond the bound", () => {
  test("wait in order, and the next one takes the place of one that ends at once", async () => {
    const { admission } = world(few);
    const [first, second, third, fourth] = clients(admission, 4);
    await settled();
    expect([first!.arrival, second!.arrival, third!.answer]).toEqual([
      expect.anything(),
      expect.anything(),
      null,
    ]);
    second!.arrival!.end();
    await settled();
    expect([third!.arrival !== null, fourth!.answer]).toEqual([true, null]);
    first!.arrival!.end();
    await settled();
    expect(fourth!.arrival).not.toBeNull();
  });

  test("end when all the joins that came together are answered, and only once", async () => {
    const { admission } = world(few);
    const arrival = admission.enter(new AbortController().signal) as Arrival;
    arrival.joining();
    arrival.joining();
    arrival.joined();
    expect([arrival.isOver, admission.state.inProgress]).toEqual([false, 1]);
    arrival.joined();
    arrival.end();
    expect([arrival.isOver, admission.state.inProgress]).toEqual([true, 0]);
  });

  test("that never join leave their place after their time, so that nobody starves", async () => {
    const { admission, clock } = world({ ...few, arrivalMs: 2_000 });
    const storm = clients(admission, 6);
    await clock.runFor(1_990);
    expect(storm.filter(({ arrival }) => arrival)).toHaveLength(2);
    await clock.runFor(4_020);
    expect(storm.filter(({ arrival }) => arrival)).toHaveLength(6);
  });

  test("that never join leave it sooner while others wait, and keep it while nobody does", async () => {
    const { admission, clock } = world({ ...few, arrivalMs: 2_000, crowdedArrivalMs: 500 });
    const [first, second] = clients(admission, 2);
    await clock.runFor(1_000);
    expect([first!.arrival!.takesJoins, second!.arrival!.takesJoins]).toEqual([true, true]);
    const [third] = clients(admission, 1);
    await clock.runFor(10);
    expect([first!.arrival!.takesJoins, third!.arrival!.takesJoins]).toEqual([false, true]);
  });

  test("that never join, as many as may wait, keep nobody from being admitted in time", async () => {
    const { admission, clock, outcomes } = world({ crowdedArrivalMs: admissionDefaults.crowdedArrivalMs });
    const { maxWaiting, inProgress, maxWaitMs } = admissionDefaults;
    clients(admission, inProgress.initial + maxWaiting - 1);
    const [last] = clients(admission, 1);
    await clock.runFor(maxWaitMs);
    expect(last!.arrival).not.toBeNull();
    expect(outcomes.filter((outcome) => typeof outcome === "string")).toEqual([]);
  });

  test("that have joined keep their place until that is answered, however long it takes", async () => {
    const { admission, clock } = world({ ...few, arrivalMs: 500 });
    const storm = clients(admission, 3);
    await settled();
    for (const { arrival } of storm) arrival?.joining();
    await clock.runFor(8_000);
    expect([storm[2]!.answer, admission.state.inProgress]).toEqual([null, 2]);
    storm[0]!.arrival!.joined();
    await settled();
    expect(storm[2]!.arrival).not.toBeNull();
  });

  test("whose client has gone neither wait any more nor keep others out", async () => {
    const { admission, outcomes } = world({ ...few, maxWaiting: 2 });
    const [, , third, fourth] = clients(admission, 4);
    await settled();
    third!.abort();
    fourth!.abort();
    expect([admission.state.waiting, admission.isCrowded]).toEqual([0, false]);
    clients(admission, 2);
    await settled();
    expect(outcomes).toEqual([0, 0]);
    expect(admission.state.waiting).toBe(2);
  });

  test("whose client has gone are passed over", async () => {
    const { admission, outcomes } = world(few);
    const [first, , third, fourth] = clients(admission, 4);
    await settled();
    third!.abort();
    first!.arrival!.end();
    await settled();
    expect([third!.answer, fourth!.arrival !== null]).toEqual([null, true]);
    expect(outcomes).toEqual([0, 0, 0]);
  });

  test("are refused when they waited too long, with a pause", async () => {
    const { admission, clock, outcomes } = world({ ...few, arrivalMs: 60_000, maxWaitMs: 500 });
    const storm = clients(admission, 3);
    await clock.runFor(510);
    expect(storm[2]!.answer).toMatchObject({ code: "overloaded", retryAfterMs: 1_234 });
    expect(outcomes).toEqual([0, 0, "waited_too_long"]);
  });

  test("are refused at once when as many wait as may", async () => {
    const { admission, outcomes } = world({ ...few, maxWaiting: 3 });
    const storm = clients(admission, 6);
    await settled();
    expect(storm[5]!.answer).toMatchObject({ code: "overloaded", retryAfterMs: 1_234 });
    expect(outcomes).toEqual([0, 0, "waiting_full"]);
  });

  test("wait for the next tick while the loop is late, though a place is free", async () => {
    const { admission, clock } = world(few);
    const [first, , third] = clients(admission, 3);
    await settled();
    clock.stall(50);
    first!.arrival!.end();
    await settled();
    expect(third!.answer).toBeNull();
    await clock.runFor(0);
    expect(third!.arrival).not.toBeNull();
  });

  test("make room at once for who comes after their time was over", async () => {
    const { admission, clock } = world({ ...few, arrivalMs: 500 });
    clients(admission, 2);
    await clock.runFor(500);
    expect(admission.enter(new AbortController().signal)).not.toBeInstanceOf(Promise);
  });

  test("admit nobody by their end once the server does not serve", async () => {
    const made = world(few);
    const [first, , third] = clients(made.admission, 3);
    await settled();
    made.serving = "no";
    first!.arrival!.end();
    await settled();
    expect(third!.answer).toBeNull();
    await made.clock.runFor(10);
    expect(third!.answer).toMatchObject({ code: "unavailable" });
  });
});

describe("the bound", () => {
  const settings: Partial<AdmissionSettings> = {
    inProgress: { initial: 100, min: 10, max: 150 },
    arrivalMs: 600_000,
    maxWaitMs: 600_000,
  };

  test("falls while the loop is late by its own work, to the least, and rises again when it is in time", async () => {
    const { admission, clock } = world(settings);
    const storm = clients(admission, 1_000);
    await settled();
    for (let turn = 0; turn < 20; turn++) {
      clock.stall(100);
      await clock.runFor(0);
    }
    expect(admission.state).toMatchObject({ maxInProgress: 10, lagMs: 90 });
    for (const { arrival } of storm) arrival?.end();
    for (let turn = 0; turn < 200; turn++) await clock.runFor(10);
    expect(admission.state).toMatchObject({ maxInProgress: 150, inProgress: 150, lagMs: 0 });
  });

  test("does not fall for the time in which the machine ran something else", async () => {
    const made = world(settings);
    clients(made.admission, 1_000);
    await settled();
    for (let turn = 0; turn < 20; turn++) {
      made.clock.stall(100);
      made.othersMs += 95;
      await made.clock.runFor(0);
    }
    expect(made.admission.state).toMatchObject({ lagMs: 0, maxInProgress: 150 });
  });

  test("stays as it is while there is room below it", async () => {
    const { admission, clock } = world({ ...settings, maxWaiting: 5 });
    clients(admission, 50);
    await clock.runFor(1_000);
    expect(admission.state).toMatchObject({ maxInProgress: 100, inProgress: 50 });
  });

  test("is forgotten after a pause", async () => {
    const { admission, clock } = world(settings);
    const storm = clients(admission, 110);
    await settled();
    for (let turn = 0; turn < 20; turn++) {
      clock.stall(100);
      await clock.runFor(0);
    }
    for (const { arrival } of storm) arrival?.end();
    await clock.runFor(100);
    for (const { arrival } of storm) arrival?.end();
    await clock.runFor(6_000);
    clients(admission, 200);
    expect(admission.state.maxInProgress).toBe(100);
  });
});

describe("a process that starts", () => {
  test("lets handshakes wait until it serves", async () => {
    const made = world();
    made.serving = "not_yet";
    const early = clients(made.admission, 3);
    await made.clock.runFor(400);
    expect(early.map(({ answer }) => answer)).toEqual([null, null, null]);
    made.serving = "yes";
    await made.clock.runFor(10);
    expect(early.every(({ arrival }) => arrival)).toBe(true);
    expect(made.outcomes).toEqual([410, 410, 410]);
  });

  test("refuses them once it knows that it does not, and from then on at once", async () => {
    const made = world();
    made.serving = "not_yet";
    const [early] = clients(made.admission, 1);
    await made.clock.runFor(100);
    made.serving = "no";
    await made.clock.runFor(10);
    expect(early!.answer).toMatchObject({ code: "unavailable", retryAfterMs: 1_234 });
    expect(made.admission.refusal()).toMatchObject({ code: "unavailable" });
  });
});

test("who waits when the server stops is refused", async () => {
  const { admission } = world(few);
  const storm = clients(admission, 3);
  await settled();
  admission.stop();
  await settled();
  expect(storm[2]!.answer).toMatchObject({ code: "unavailable" });
});

/** What a client does after it was admitted, and what happens to the loop. */
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("come" as const), count: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("end" as const), count: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 400 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("stall" as const), ms: fc.integer({ min: 1, max: 400 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("abort" as const), at: fc.nat() }) },
);

test("whatever happens: never more arrivals than the bound, in order, and everybody is answered in time", async () => {
  const settings = {
    inProgress: { initial: 8, min: 4, max: 32 },
    maxWaiting: 100,
    maxWaitMs: 3_000,
    arrivalMs: 500,
    lagMs: admissionDefaults.lagMs,
  };
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 60 }), async (happenings) => {
      const { admission, clock } = world(settings);
      const all: Client[] = [];
      const aborted = new Set<Client>();
      const check = () => {
        expect(admission.state.inProgress).toBeLessThanOrEqual(32);
        expect(admission.state.waiting).toBeLessThanOrEqual(settings.maxWaiting);
        const admitted = all.flatMap(({ arrival }, index) => (arrival ? [index] : []));
        const waiting = all.findIndex((client) => client.answer === null && !aborted.has(client));
        const passed = waiting < 0 ? [] : admitted.filter((index) => index > waiting);
        expect(passed).toEqual([]);
      };
      for (const each of happenings) {
        if (each.type === "come") all.push(...clients(admission, each.count));
        if (each.type === "pass") await clock.runFor(each.ms);
        if (each.type === "stall") clock.stall(each.ms);
        if (each.type === "end") {
          const open = all.filter(({ arrival }) => arrival && !arrival.isOver);
          for (const { arrival } of open.slice(0, each.count)) arrival!.end();
        }
        const gone = each.type === "abort" ? all[each.at % Math.max(1, all.length)] : undefined;
        if (gone && gone.answer === null) aborted.add(gone);
        gone?.abort();
        await settled();
        check();
      }
      await clock.runFor(settings.maxWaitMs + 20);
      expect(all.filter((client) => client.answer === null && !aborted.has(client))).toEqual([]);
      expect(admission.state.waiting).toBe(0);
    }),
    { numRuns: 200 },
  );
});
