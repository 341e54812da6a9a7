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

/** The processor time that this thread has had, in milliseconds: counted by the kernel, so time in which others run is no part of it. */
export function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
