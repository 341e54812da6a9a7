import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Clock } from "../core/ports/clock.ts";
import type { Limiter, Limits, Rate } from "../core/ports/limiter.ts";
import { VirtualClock } from "../testing/clock.ts";
import { noLimits } from "../testing/costs/limits-off.ts";

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

  test("several uses at once are allowed when there is room for all of them, and count as so many", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 60, burst: 10 });
    expect(limiter.take("user_messages", "anna", 7)).toBe(0);
    expect(limiter.take("user_messages", "anna", 4)).toBe(1_000);
    expect(limiter.take("user_messages", "anna", 3)).toBe(0);
    limiter.giveBack("user_messages", "anna", 5);
    expect(limiter.take("user_messages", "anna", 6)).toBe(1_000);
    await clock.runFor(1_000);
    expect([limiter.take("user_messages", "anna", 6), limiter.take("user_messages", "anna")]).toEqual([
      0, 1_000,
    ]);
    const halves = [limiter.take("user_messages", "ben", 9.5), limiter.take("user_messages", "ben", 1)];
    expect([...halves, limiter.take("user_messages", "ben", 0.5)]).toEqual([0, 500, 0]);
  });

  test("what costs more than the burst is allowed once all of it is there, and is paid whole", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 60, burst: 10 });
    expect(limiter.take("user_messages", "anna", 30)).toBe(0);
    expect(limiter.take("user_messages", "anna", 30)).toBe(30_000);
    expect(limiter.take("user_messages", "anna")).toBe(21_000);
    await clock.runFor(29_999);
    expect(limiter.take("user_messages", "anna", 30)).toBe(1);
    await clock.runFor(1);
    expect(limiter.take("user_messages", "anna", 30)).toBe(0);
  });

  test("what is charged is never refused, and is made up for before more is allowed, however long that takes", async () => {
    const { clock, limiter } = limiterOf({ perMinute: 60, burst: 10 });
    limiter.charge("user_messages", "anna", 1_000);
    expect(limiter.take("user_messages", "anna")).toBe(991_000);
    for (let left = 99; left > 0; left--) {
      await clock.runFor(10_000);
      // Others come and go meanwhile.
      limiter.take("user_messages", `somebody ${left}`);
      expect(limiter.take("user_messages", "anna", 1)).toBe(left * 10_000 - 9_000);
    }
    await clock.runFor(10_000);
    expect(takeMany(limiter, "anna", 11).slice(9)).toEqual([0, 1_000]);
  });

  const costs = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 80 })), { minLength: 1 });

  test("in any window at most burst + rate × time is allowed, whatever each use costs, and no more than one use of what costs more than the burst", async () => {
    await fc.assert(
      fc.asyncProperty(rates, pauses, costs, async (rate, steps, weights) => {
        const { clock, limiter } = limiterOf(rate);
        const allowed: Record<string, Use[]> = { anna: [], ben: [] };
        for (const [at, { pauseMs, key }] of steps.entries()) {
          clock.stall(pauseMs);
          const cost = weights[at % weights.length]!;
          if (limiter.take("user_messages", key, cost) === 0)
            allowed[key]!.push({ atMs: clock.monotonicMs(), cost });
        }
        const most = { ...rate, burst: Math.max(rate.burst, ...weights) };
        for (const uses of Object.values(allowed)) expect(worstExcess(uses, most)).toBeLessThan(0.01);
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

interface Use {
  readonly atMs: number;
  readonly cost: number;
}

/** By how much the fullest window goes beyond what it may hold. */
function worstExcess(uses: readonly Use[], { perMinute, burst }: Rate): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (let from = 0; from < uses.length; from++) {
    let used = 0;
    for (let to = from; to < uses.length; to++) {
      used += uses[to]!.cost;
      const mayHold = burst + ((uses[to]!.atMs - uses[from]!.atMs) * perMinute) / 60_000;
      worst = Math.max(worst, used - mayHold);
    }
  }
  return worst;
}
