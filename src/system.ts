import type { Clock } from "./core/ports/clock.ts";
import type { NewId } from "./core/ports/ids.ts";

/** The machine's own time. */
export const systemClock: Clock = {
  nowUs: () => Date.now() * 1_000,
  monotonicMs: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const newId: NewId = () => Bun.randomUUIDv7();

/** Returns the processor time of this thread in milliseconds. The kernel counts it, so time in which other threads run is not part of it. */
export function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
