import { createHash, randomBytes } from "node:crypto";
import { chownSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Layout } from "./data-directory.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import type { RunAs } from "./run-as.ts";

/** `sun_path` has 108 bytes with its end. */
const longestPathBytes = 107;
const socketName = ".s.PGSQL.5432";
/** It goes through PostgreSQL's list of directories and through URLs. */
const plainPath = /^[\w./-]+$/;

/**
 * Makes the directory of the Unix socket: 0700, PostgreSQL's user's. In the data directory when the path is short and plain, else
 * in a short runtime directory. Its name is recorded beside the data, since other processes (`psql-url`, `admin backup`)
 * may see other variables than we do.
 */
export function makeSocketDirectory(layout: Layout, runAs: RunAs): string {
  removeSocketDirectory(layout);
  const made = candidates(layout.root).find((directory) => fits(directory) && make(directory, layout, runAs));
  if (made !== undefined) return made;
  throw new EmbeddedRefusal({
    code: "no_socket_directory",
    directory: layout.root,
    problem: `no directory for a Unix socket could be made, neither in it (its path is long) nor in ${tmpdir()}`,
    wayOut:
      "Set WHISPR_DATA_DIR to a path below 80 characters, or TMPDIR to a short directory that can be written",
  });
}

/** Not XDG_RUNTIME_DIR: it is taken away when its user logs out, also under a server that stays. */
function candidates(root: string): readonly string[] {
  const name = `whispr-msg-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  const places = [...(process.getuid?.() === 0 ? ["/run"] : []), tmpdir(), "/tmp"];
  return [
    join(root, "socket"),
    ...places.map((place) => join(place, name)),
    join("/tmp", `${name}-${randomBytes(4).toString("hex")}`),
  ];
}

function fits(directory: string): boolean {
  return plainPath.test(directory) && Buffer.byteLength(join(directory, socketName)) <= longestPathBytes;
}

/**
 * Recorded before it is made, so that a kill in between leaves nothing unknown. What exists under that name already was not
 * made by us: somebody's trap in /tmp, so the next candidate is taken.
 */
function make(directory: string, layout: Layout, runAs: RunAs): boolean {
  rmSync(layout.socketRecord, { force: true });
  writeFileSync(layout.socketRecord, directory, { mode: 0o600, flag: "wx" });
  try {
    mkdirSync(directory, { mode: 0o700 });
    if (process.getuid?.() === 0) chownSync(directory, runAs.owner.uid, runAs.owner.gid);
    return true;
  } catch {
    return false;
  }
}

/** Also what a killed start left. Takes only what PostgreSQL puts there. */
export function removeSocketDirectory(layout: Layout): void {
  const directory = recordedSocketDirectory(layout);
  if (directory !== null) removeSocketFiles(directory);
  rmSync(layout.socketRecord, { force: true });
}

function removeSocketFiles(directory: string): void {
  try {
    for (const name of [socketName, `${socketName}.lock`]) rmSync(join(directory, name), { force: true });
    rmdirSync(directory);
  } catch {
    // never made, or not ours
  }
}

export function recordedSocketDirectory(layout: Layout): string | null {
  try {
    return readFileSync(layout.socketRecord, "utf8") || null;
  } catch {
    return null;
  }
}
