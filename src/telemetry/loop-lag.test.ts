import { expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { LoopLag } from "./loop-lag.ts";

test("a loop in time is never late, a stall shows once, and nothing is measured after the stop", async () => {
  const clock = new VirtualClock();
  const late: number[] = [];
  const lag = new LoopLag({ clock, late: (ms) => late.push(ms) });
  await clock.runFor(1_000);
  expect(late).toEqual(Array(20).fill(0));
  clock.stall(50 + 700);
  await clock.runFor(50);
  expect(late.slice(20)).toEqual([700, 0]);
  lag.stop();
  await clock.runFor(1_000);
  expect(late).toHaveLength(22);
});
