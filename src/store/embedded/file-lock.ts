import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { flock } from "./libc.ts";
import { EmbeddedRefusal } from "./refusal.ts";

/** No link is followed: as root we open files in a directory that belongs to PostgreSQL's user. */
const openFlags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * An exclusive `flock` on a file that is never removed. It belongs to the open file: who inherits the descriptor holds
 * it too, and it ends when the last of them is gone, however it ended. The descriptor itself is CLOEXEC.
 */
export class FileLock {
  readonly fd: number;
  #open = true;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Null when somebody holds it. */
  static tryTake(path: string): FileLock | null {
    const fd = openSync(path, openFlags, 0o600);
    const result = flock(fd);
    if (result === "taken") return new FileLock(fd);
    closeSync(fd);
    if (result === "held") return null;
    throw new EmbeddedRefusal({
      code: "no_locks",
      directory: dirname(path),
      problem: "its file system has no file locks (flock), without which two servers could destroy the data",
      wayOut: "Put WHISPR_DATA_DIR on a local file system",
    });
  }

  /** Leaves a word for who finds the lock held. */
  describe(text: string): void {
    ftruncateSync(this.fd, 0);
    writeSync(this.fd, text);
  }

  /** Gives up this process's hold; who inherited the descriptor keeps the lock. */
  release(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }
}

/** What the holder wrote with `describe`; empty when nothing was. */
export function descriptionOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
