import { readdirSync, readFileSync, statSync } from "node:fs";

/** Where every process of ours that belongs to a PostgreSQL finds the lock that it inherited. */
export const inheritedLockFd = 3;

/**
 * The processes that hold this lock as something inherited: a postmaster, its backends, an `initdb` and its children.
 * A number alone proves nothing, it may have been given to another process since; the kernel's word that the
 * process has this very file open, locked, under the agreed descriptor does.
 */
export function holdersOf(lockPath: string): readonly number[] {
  const lock = identityOf(lockPath);
  if (lock === null) return [];
  const pids = readdirSync("/proc").map(Number);
  return pids.filter((pid) => pid > 0 && pid !== process.pid && holds(pid, lock));
}

function holds(pid: number, lock: string): boolean {
  if (identityOf(`/proc/${pid}/fd/${inheritedLockFd}`) !== lock) return false;
  return readOrEmpty(`/proc/${pid}/fdinfo/${inheritedLockFd}`).includes("FLOCK");
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Those whose parent is not one of them: the postmaster, or the `initdb`. */
export function leadersOf(holders: readonly number[]): readonly number[] {
  const all = new Set(holders);
  return holders.filter((pid) => !all.has(parentOf(pid)));
}

function parentOf(pid: number): number {
  const afterName = readOrEmpty(`/proc/${pid}/stat`).split(") ").at(-1) ?? "";
  return Number(afterName.split(" ")[1] ?? 0);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A process that is gone already, or no longer ours to signal, is no error. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // gone between the look and the signal
    }
  }
}
