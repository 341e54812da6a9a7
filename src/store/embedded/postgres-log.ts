import { closeSync, constants, copyFileSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";

/** No link is followed: as root we open files in a directory that belongs to PostgreSQL's user. */
const openFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
const longestBytes = 8 * 1024 * 1024;

/**
 * The server's own words, in a file and not a pipe: they never block the server when we are slow, and never break when
 * we are killed. Two files of about 8 MB at most.
 */
export function openPostgresLog(path: string): number {
  boundPostgresLog(path);
  return openSync(path, openFlags, 0o600);
}

export function closePostgresLog(fd: number): void {
  closeSync(fd);
}

/** The server appends, so that the file may be emptied under it. */
export function boundPostgresLog(path: string): void {
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
  if (size <= longestBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
}

export function lastLogLines(path: string, count = 6): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return "";
  }
}
