import { closeSync, constants, fstatSync, ftruncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { openOwnFile, readPart } from "./by-descriptor.ts";
import { flock } from "./libc.ts";
import { EmbeddedRefusal } from "./refusal.ts";

const longestDescription = 200;

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

  /**
   * Null when somebody holds it. `access`: what may be done by whoever inherits the descriptor; PostgreSQL's user gets one that cannot be
   * written. Throws `unsafe_entry` when the file is not of this process's user.
   */
  static tryTake(path: string, access: "read" | "write" = "read"): FileLock | null {
    const mode = access === "read" ? constants.O_RDONLY : constants.O_RDWR | constants.O_APPEND;
    const fd = openOwnFile(path, mode | constants.O_CREAT);
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

  /** Leaves a word for who finds the lock held, where the file is known to be no other one by a second name. */
  describe(text: string): void {
    if (fstatSync(this.fd).nlink > 1) return;
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
  return (readPart(path, longestDescription) ?? "").trim();
}
