import { expect, test } from "bun:test";
import { systemClock } from "../../system.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { EventLoopLag } from "./event-loop-lag.ts";

test("a loop whose timers get their turn is never late, however long it runs", async () => {
  const clock = new VirtualClock();
  const lateness = new EventLoopLag({ clock, maxMs: 200 });
  for (let step = 0; step < 20; step++) {
    await clock.runFor(333);
    expect(lateness.exceeds(0.5)).toBe(false);
  }
});

test("a loop that is busy is late by what the next tick is overdue, until that gets its turn", async () => {
  const clock = new VirtualClock();
  const lateness = new EventLoopLag({ clock, maxMs: 200 });
  clock.stall(50 + 100);
  expect(lateness.exceeds(0.5)).toBe(false);
  clock.stall(1);
  expect([lateness.exceeds(0.5), lateness.exceeds(1)]).toEqual([true, false]);
  clock.stall(100);
  expect(lateness.exceeds(1)).toBe(true);
  await clock.runFor(0);
  expect(lateness.exceeds(0.5)).toBe(false);
});

test("one pause is forgiven, but not the work that waited behind it, nor a second pause soon after", async () => {
  const clock = new VirtualClock();
  const lateness = new EventLoopLag({ clock, maxMs: 200 });
  expect(lateness.exceeds(1)).toBe(false);
  clock.stall(3_000);
  expect(lateness.exceeds(1)).toBe(false);
  clock.stall(150);
  expect(lateness.exceeds(1)).toBe(false);
  clock.stall(51);
  expect(lateness.exceeds(1)).toBe(true);
  await clock.runFor(5_000);
  expect(lateness.exceeds(1)).toBe(false);
  clock.stall(3_000);
  expect(lateness.exceeds(1)).toBe(true);
  await clock.runFor(10_000);
  clock.stall(3_000);
  expect(lateness.exceeds(1)).toBe(false);
});

test("a bound of 0 switches it off, and so does its stop", async () => {
  const clock = new VirtualClock();
  const off = new EventLoopLag({ clock, maxMs: 0 });
  const stopped = new EventLoopLag({ clock, maxMs: 200 });
  stopped.stop();
  clock.stall(60_000);
  expect([off.exceeds(1), stopped.exceeds(1)]).toEqual([false, false]);
});

test("on the machine's own clock, work that does not end makes the loop late", async () => {
  const lateness = new EventLoopLag({ clock: systemClock, maxMs: 40 });
  // Counted in processor time, of which a busy machine gives this thread a small part.
  const untilMs = performance.now() + 20_000;
  let isLate = false;
  while (!isLate && performance.now() < untilMs) isLate = lateness.exceeds(1);
  expect(isLate).toBe(true);
  lateness.stop();
});
