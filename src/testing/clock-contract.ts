import { expect, test } from "bun:test";
import type { Clock } from "../core/ports/clock.ts";
import { pause } from "../core/ports/clock.ts";

export interface ClockStage {
  readonly clock: Clock;
  /** Lets time pass until the promise resolves. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/** What every clock holds to. */
export function clockContract(make: () => ClockStage): void {
  test("time does not go back, in whole microseconds since 1970", async () => {
    const { clock, until } = make();
    let [beforeMs, beforeUs] = [clock.monotonicMs(), clock.nowUs()];
    expect(beforeUs).toBeGreaterThan(1_700_000_000_000_000);
    for (let look = 0; look < 20; look++) {
      await until(pause(clock, 1));
      expect(clock.monotonicMs()).toBeGreaterThan(beforeMs);
      expect(clock.nowUs()).toBeGreaterThanOrEqual(beforeUs);
      expect(Number.isSafeInteger(clock.nowUs())).toBe(true);
      [beforeMs, beforeUs] = [clock.monotonicMs(), clock.nowUs()];
    }
  });

  test("calls once, not before the delay, never in the same turn, and not when it was cancelled", async () => {
    const { clock, until } = make();
    const calls: string[] = [];
    const startedMs = clock.monotonicMs();
    clock.after(0, () => calls.push("at once"));
    const cancel = clock.after(5, () => calls.push("cancelled"));
    clock.after(20, () => calls.push("later"));
    expect(calls).toEqual([]);
    cancel();
    await until(pause(clock, 40));
    expect(calls).toEqual(["at once", "later"]);
    // Timers of the machine may be up to a millisecond early by its own clock.
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(39);
    cancel();
  });

  test("a call may ask for the next one", async () => {
    const { clock, until } = make();
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = 5;
    const tick = () => (--left === 0 ? resolve() : void clock.after(1, tick));
    clock.after(1, tick);
    await until(promise);
    expect(left).toBe(0);
  });
}
