import { expect, test } from "bun:test";
import type { Services } from "../../operations/services.ts";
import type { Joining, JoinOutcome } from "../../phoenix/channel.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { freeCharge } from "../../testing/costs/limits-off.ts";
import { Admission, admissionDefaults } from "../http/admission.ts";
import type { Arrival } from "./arrival.ts";
import { Events } from "./events.ts";
import type { Session } from "./session.ts";
import { TopicChannel } from "./topic-channel.ts";

/** A channel whose joins are answered when the test says so, and an arrival that has 500 ms to begin to join. */
function world() {
  const clock = new VirtualClock();
  const admission = new Admission({
    clock,
    workedMs: () => 0,
    serving: () => "yes",
    pauses: { next: () => 1_000 },
    observer: { admitted: () => {}, refused: () => {} },
    settings: { ...admissionDefaults, inProgress: { initial: 1, min: 1, max: 1 }, arrivalMs: 500 },
  });
  const arrival = admission.enter(new AbortController().signal) as Arrival;
  const answers: (() => void)[] = [];
  const join = () => {
    const { promise, resolve } = Promise.withResolvers<JoinOutcome>();
    answers.push(() => resolve({ ok: true, response: "{}" }));
    return promise;
  };
  const events = new Events({
    topic: "user",
    services: {} as Services,
    gate: { event: () => freeCharge() },
    observer: noteTaker().observer,
  });
  const channel = new TopicChannel({ joins: { join, left: () => {} }, events });
  const joining = { identity: { arrival } } as unknown as Joining<Session>;
  return { clock, admission, arrival, answers, join: () => void channel.join(joining) };
}

test("an arrival is over when the joins that came together are answered", async () => {
  const { arrival, answers, join } = world();
  join();
  join();
  answers[0]!();
  await settled();
  expect(arrival.isOver).toBe(false);
  answers[1]!();
  await settled();
  expect(arrival.isOver).toBe(true);
});

test("a client whose joins overlap without end keeps its place only for those that it began in time", async () => {
  const { clock, admission, arrival, answers, join } = world();
  let next: Arrival | null = null;
  void Promise.resolve(admission.enter(new AbortController().signal)).then((admitted) => {
    next = admitted as Arrival;
  });
  for (let turn = 0; turn < 10; turn++) {
    join();
    await clock.runFor(100);
    answers[turn - 1]?.();
    await settled();
  }
  expect([arrival.isOver, next === null]).toEqual([true, false]);
});
