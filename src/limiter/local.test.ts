import { expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { noLimits } from "../testing/costs/limits-off.ts";
import { limiterContract } from "./contract.ts";
import { LocalLimiter } from "./local.ts";

limiterContract((options) => new LocalLimiter(options));

const limits = { ...noLimits, address_failures: { perMinute: 60, burst: 2 } };

test("I10: however many keys come, no more than the bound are remembered, and the latest are", () => {
  const limiter = new LocalLimiter({ clock: new VirtualClock(), limits, maxKeys: 100 });
  for (let each = 0; each < 10_000; each++) {
    for (const _ of [1, 2]) expect(limiter.take("address_failures", `address ${each}`)).toBe(0);
    expect(limiter.take("address_failures", `address ${each}`)).toBe(1_000);
    expect(limiter.keys).toBeLessThanOrEqual(100);
  }
  for (let each = 9_960; each < 10_000; each++) {
    expect(limiter.take("address_failures", `address ${each}`)).toBe(1_000);
  }
});

test("keys that nothing can be known of any more are let go", async () => {
  const clock = new VirtualClock();
  const limiter = new LocalLimiter({ clock, limits });
  for (let each = 0; each < 1_000; each++) limiter.take("address_failures", `address ${each}`);
  expect(limiter.keys).toBe(1_000);
  for (let turn = 0; turn < 2; turn++) {
    await clock.runFor(2_000);
    limiter.take("address_failures", "another");
  }
  expect(limiter.keys).toBeLessThanOrEqual(2);
});

test("what was given back whole is not remembered: it takes no room from other keys", () => {
  const limiter = new LocalLimiter({ clock: new VirtualClock(), limits, maxKeys: 100 });
  for (const _ of [1, 2]) limiter.take("address_failures", "anna");
  for (let each = 0; each < 1_000; each++) {
    limiter.take("address_failures", `address ${each}`);
    limiter.giveBack("address_failures", `address ${each}`);
  }
  expect(limiter.keys).toBe(1);
  expect(limiter.take("address_failures", "anna")).toBe(1_000);
});

test("a key is not forgotten before its time by the passing of generations", async () => {
  const clock = new VirtualClock();
  const limiter = new LocalLimiter({ clock, limits });
  for (let second = 0; second < 20; second++) {
    limiter.take("address_failures", "anna");
    expect(limiter.take("address_failures", "anna")).toBe(second === 0 ? 0 : 1_000);
    await clock.runFor(1_000);
  }
});

test("what is given back counts for a key that was not used lately as well, and nothing is remembered of one that never was", async () => {
  const clock = new VirtualClock();
  const limiter = new LocalLimiter({ clock, limits });
  limiter.giveBack("address_failures", "nobody");
  expect(limiter.keys).toBe(0);
  await clock.runFor(1_900);
  for (const _ of [1, 2]) expect(limiter.take("address_failures", "anna")).toBe(0);
  await clock.runFor(100);
  // The generation of anna's key ends here.
  limiter.take("address_failures", "ben");
  limiter.giveBack("address_failures", "anna");
  expect(limiter.take("address_failures", "anna")).toBe(0);
  expect(limiter.take("address_failures", "anna")).toBe(900);
});
