import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FileLock } from "./file-lock.ts";
import { holdersOf, leadersOf, signalAll } from "./holders.ts";
import { EmbeddedRefusal } from "./refusal.ts";

const pollMs = 5;
/** How long a lock may stay held after the last holder was seen. */
const killTimeoutMs = 5_000;
/** How long a holder may take to end after SIGKILL, on a machine or a disk that is busy. */
const longestKillMs = 60_000;

/** The lock once nobody holds it, or null when the time is over. */
export async function waitForLock(path: string, timeoutMs: number): Promise<FileLock | null> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const lock = FileLock.tryTake(path);
    if (lock !== null) return lock;
    if (performance.now() >= deadline) return null;
    await delay(pollMs);
  }
}

/**
 * Asks whatever PostgreSQL holds the lock to end, a fast shutdown with its checkpoint; false when none was found.
 * A stopped (SIGSTOP) process keeps signals for later, so all of them are continued.
 */
export function askHoldersToEnd(lockPath: string, signal: "SIGINT" | "SIGQUIT" = "SIGINT"): boolean {
  const holders = holdersOf(lockPath);
  signalAll(leadersOf(holders), signal);
  signalAll(holders, "SIGCONT");
  return holders.length > 0;
}

/** Ends whoever holds the lock by SIGKILL, also who was just being forked, and gives the lock. */
export async function killHolders(lockPath: string): Promise<FileLock> {
  const startedMs = performance.now();
  let seenMs = startedMs;
  for (let nowMs = startedMs; nowMs < seenMs + killTimeoutMs; nowMs = performance.now()) {
    const holders = holdersOf(lockPath);
    if (holders.length > 0 && nowMs < startedMs + longestKillMs) seenMs = nowMs;
    signalAll(holders, "SIGKILL");
    const lock = await waitForLock(lockPath, 4 * pollMs);
    if (lock !== null) return lock;
  }
  throw heldElsewhere(lockPath);
}

/** The same without a turn of the event loop, for the last moments of a process. Bounded by `timeoutMs`. */
export function endHoldersNow(lockPath: string, timeoutMs: number): void {
  const started = performance.now();
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  if (!askHoldersToEnd(lockPath)) return;
  for (;;) {
    const lock = FileLock.tryTake(lockPath);
    if (lock !== null) return lock.release();
    const tookMs = performance.now() - started;
    if (tookMs > timeoutMs) return;
    if (tookMs > timeoutMs / 2) signalAll(holdersOf(lockPath), "SIGKILL");
    Atomics.wait(sleeper, 0, 0, pollMs);
  }
}

function heldElsewhere(lockPath: string): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "held_elsewhere",
    directory: dirname(lockPath),
    problem:
      "a PostgreSQL that this process cannot see or end (of another container, or of another user) still works on it",
    wayOut: "Stop that container or process, then start again",
  });
}
