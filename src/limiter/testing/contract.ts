import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Clock } from "../../core/ports/clock.ts";
import type { Limiter, Limits, Rate } from "../../core/ports/limiter.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { noLimits } from "../../testing/limits-off.ts";

export type MakeLimiter = (options: { readonly clock: Clock; readonly limits: Limits }) => Limiter;

/** What every limiter holds to, whatever it counts in. */
export function limiterContract(make: MakeLimiter): void {
  const limiterOf = (rate: Rate, clock = new VirtualClock()) => ({
    clock,
    limiter: make({ clock, limits: { ...noLimits, user_messages: rate } }),
  });
  const takeMany = (limiter: Limiter, key: string, count: number) =>
    Array.from({ length: count }, () => limiter.take("user_messages", key));

  test("a burst is allowed at once, then one each time the rate gives", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 100, burst: 20 });
    expect(takeMany(limiter, "anna", 22)).toEqual([...Array(20).fill(0), 600, 600]);
    await clock.runFor(599);
    expect(limiter.take("user_messages", "anna")).toBe(1);
    await clock.runFor(1);
    expect(takeMany(limiter, "anna", 2)).toEqual([0, 600]);
  });

  test("the 121st message within a minute is the first refused of 100 a minute and 20 at once", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 100, burst: 20 });
    const waits = takeMany(limiter, "anna", 20);
    while (waits.length < 120) {
      await clock.runFor(599.9);
      expect(limiter.take("user_messages", "anna")).toBeGreaterThan(0);
      await clock.runFor(0.1);
      waits.push(limiter.take("user_messages", "anna"));
    }
    expect(waits).toEqual(Array(120).fill(0));
    expect(limiter.take("user_messages", "anna")).toBe(600);
  });

  test("a pause restores the burst and no more than it", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 60, burst: 5 });
    takeMany(limiter, "anna", 5);
    await clock.runFor(3_600_000);
    expect(takeMany(limiter, "anna", 6)).toEqual([0, 0, 0, 0, 0, 1_000]);
  });

  test("several uses are allowed together or not at all, and more than the burst count as the burst", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 60, burst: 5 });
    const take = (uses: number) => limiter.take("user_messages", "anna", uses);
    expect([take(3), take(3), take(2), take(0.5)]).toEqual([0, 1_000, 0, 500]);
    await clock.runFor(4_000);
    expect([take(100), limiter.take("user_messages", "ben", 100), take(1)]).toEqual([1_000, 0, 0]);
    await clock.runFor(1_000);
    expect([take(100), take(4)]).toEqual([1_000, 0]);
  });

  test("keys do not count for each other, nor do limits", () => {
    const clock = new VirtualClock();
    const rate = { perMinute: 1, burst: 1 };
    const limiter = make({ clock, limits: { ...noLimits, user_messages: rate, connection_joins: rate } });
    expect([limiter.take("user_messages", "anna"), limiter.take("user_messages", "ben")]).toEqual([0, 0]);
    expect(limiter.take("connection_joins", "anna")).toBe(0);
    expect(limiter.take("user_messages", "anna")).toBe(60_000);
  });

  test("what is given back can be taken again, and a burst never grows by it", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 60, burst: 5 });
    const giveBack = (key: string, count: number) => {
      for (let each = 0; each < count; each++) limiter.giveBack("user_messages", key);
    };
    takeMany(limiter, "anna", 5);
    giveBack("anna", 2);
    expect(takeMany(limiter, "anna", 3)).toEqual([0, 0, 1_000]);
    giveBack("anna", 50);
    giveBack("ben", 50);
    for (const key of ["anna", "ben"]) expect(takeMany(limiter, key, 6)).toEqual([0, 0, 0, 0, 0, 1_000]);
    await clock.runFor(3_600_000);
    giveBack("anna", 1);
    expect(takeMany(limiter, "anna", 6)).toEqual([0, 0, 0, 0, 0, 1_000]);
  });

  test("a rate of 0 is no limit", () => {
    const { limiter } = limiterOf({ perMinute: 0, burst: 1 });
    limiter.giveBack("user_messages", "anna");
    expect(new Set(takeMany(limiter, "anna", 10_000))).toEqual(new Set([0]));
  });

  test("it tells what is allowed", () => {
    const { limiter } = limiterOf({ perMinute: 7, burst: 3 });
    expect(limiter.rateOf("user_messages")).toEqual({ perMinute: 7, burst: 3 });
  });

  const rates = fc.record({
    perMinute: fc.integer({ min: 1, max: 100_000 }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  const pauses = fc.array(
    fc.record({
      pauseMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 70_000, noNaN: true })),
      key: fc.constantFrom("anna", "ben"),
    }),
    { maxLength: 120 },
  );

  test("in any window at most burst + rate × time are allowed", async () => {
    await fc.assert(
      fc.asyncProperty(rates, pauses, async (rate, steps) => {
        const { clock, limiter } = limiterOf(rate);
        const allowed: Record<string, number[]> = { anna: [], ben: [] };
        for (const { pauseMs, key } of steps) {
          clock.stall(pauseMs);
          if (limiter.take("user_messages", key) === 0) allowed[key]!.push(clock.monotonicMs());
        }
        for (const times of Object.values(allowed)) expect(worstExcess(times, rate)).toBeLessThan(0.01);
      }),
    );
  });

  test("a use that is given back at once changes nothing that is allowed later", async () => {
    await fc.assert(
      fc.asyncProperty(
        rates,
        pauses,
        fc.array(fc.boolean(), { minLength: 1 }),
        async (rate, steps, pairs) => {
          const [plain, paired] = [limiterOf(rate), limiterOf(rate)];
          for (const [at, { pauseMs, key }] of steps.entries()) {
            plain.clock.stall(pauseMs);
            paired.clock.stall(pauseMs);
            if (pairs[at % pairs.length] && paired.limiter.take("user_messages", key) === 0)
              paired.limiter.giveBack("user_messages", key);
            expect(paired.limiter.take("user_messages", key)).toBe(plain.limiter.take("user_messages", key));
          }
        },
      ),
    );
  });

  test("a refusal's wait is exact: that long is enough, two milliseconds less is not", async () => {
    await fc.assert(
      fc.asyncProperty(rates, pauses, async (rate, steps) => {
        const { clock, limiter } = limiterOf(rate);
        for (const { pauseMs, key } of steps) {
          clock.stall(pauseMs);
          const waitMs = limiter.take("user_messages", key);
          if (waitMs === 0) continue;
          if (waitMs > 2) {
            clock.stall(waitMs - 2);
            expect(limiter.take("user_messages", key)).toBeGreaterThan(0);
            clock.stall(2);
          } else clock.stall(waitMs);
          expect(limiter.take("user_messages", key)).toBe(0);
        }
      }),
    );
  });
}

/** By how much the fullest window goes beyond what it may hold. */
function worstExcess(times: readonly number[], { perMinute, burst }: Rate): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (let from = 0; from < times.length; from++) {
    for (let to = from; to < times.length; to++) {
      const mayHold = burst + ((times[to]! - times[from]!) * perMinute) / 60_000;
      worst = Math.max(worst, to - from + 1 - mayHold);
    }
  }
  return worst;
}
