import { expect, test } from "bun:test";
import { VirtualClock } from "../../testing/clock.ts";
import { RetryPauses } from "./retry-pauses.ts";

function pausesAt(clock: VirtualClock, randoms: readonly number[]) {
  let next = 0;
  const pauses = new RetryPauses({ clock, random: () => randoms[next++ % randoms.length]! });
  return () => pauses.next();
}

const almostOne = 1 - 2 ** -20;

test("a first pause is at random between half a second and three", () => {
  const next = pausesAt(new VirtualClock(), [0, 0.5, almostOne]);
  expect([next(), next(), next()]).toEqual([500, 1_750, 3_000]);
});

test("those who are refused together are spread: no whole second has most of them", () => {
  const pauses = new RetryPauses({ clock: new VirtualClock() });
  const bySecond = new Map<number, number>();
  for (let each = 0; each < 3_000; each++) {
    const second = Math.ceil(pauses.next() / 1_000);
    bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
  }
  expect([...bySecond.keys()].sort()).toEqual([1, 2, 3]);
  expect(Math.max(...bySecond.values())).toBeLessThan(1_500);
});

test("pauses become as long as refusals have lasted, up to 20 s of it", async () => {
  const clock = new VirtualClock();
  const next = pausesAt(clock, [0, almostOne]);
  for (const [seconds, shortest, longest] of [
    [0, 500, 3_000],
    [4, 2_000, 12_000],
    [8, 4_000, 24_000],
    [12, 6_000, 36_000],
    [16, 8_000, 48_000],
    [20, 10_000, 60_000],
    [24, 10_000, 60_000],
  ] as const) {
    expect([seconds, next(), next()]).toEqual([seconds, shortest, longest]);
    await clock.runFor(4_000);
  }
});

test("after five seconds without a refusal they are short again", async () => {
  const clock = new VirtualClock();
  const next = pausesAt(clock, [0]);
  next();
  await clock.runFor(5_000);
  expect(next()).toBe(2_500);
  await clock.runFor(5_001);
  expect(next()).toBe(500);
});
