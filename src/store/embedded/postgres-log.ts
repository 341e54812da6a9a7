import { closeSync, constants, copyFileSync, ftruncateSync, lstatSync, rmSync } from "node:fs";
import { escapeControls } from "../../telemetry/escape-controls.ts";
import { openOwnFile, readPart } from "./by-descriptor.ts";
import type { Layout } from "./layout.ts";

const longestBytes = 8 * 1024 * 1024;
const tailBytes = 64 * 1024;

/**
 * The server's own words, in a file and not a pipe: they never block the server when we are slow, and never break when
 * we are killed. Two files of about 8 MB at most. The server's user gets the open file, not its directory.
 */
export function openPostgresLog(layout: Layout): number {
  boundPostgresLog(layout);
  return openOwnFile(layout.log, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND);
}

export function closePostgresLog(fd: number): void {
  closeSync(fd);
}

/** The server appends, so that the file may be emptied under it. What has a second name is left to that one. */
export function boundPostgresLog({ log, formerLog }: Layout): void {
  const { size, nlink } = lstatSync(log, { throwIfNoEntry: false }) ?? { size: 0, nlink: 1 };
  if (nlink > 1) return rmSync(log);
  if (size <= longestBytes) return;
  rmSync(formerLog, { force: true });
  copyFileSync(log, formerLog, constants.COPYFILE_EXCL);
  empty(log);
}

function empty(path: string): void {
  const fd = openOwnFile(path, constants.O_WRONLY);
  try {
    ftruncateSync(fd, 0);
  } finally {
    closeSync(fd);
  }
}

/** PostgreSQL's user writes them. */
export function lastLogLines({ log }: Layout, count = 6): string {
  const text = readPart(log, -tailBytes) ?? "";
  return escapeControls(text).trimEnd().split("\n").slice(-count).join("\n");
}
