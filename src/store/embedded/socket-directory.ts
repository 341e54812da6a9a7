import { createHash, randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Directory, isOwnFile, readPart, removeEntry } from "./by-descriptor.ts";
import type { Layout } from "./layout.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { applicationRole } from "./role-names.ts";
import type { RunAs } from "./run-as.ts";
import { closedParent, trustedPath } from "./trusted-path.ts";

/** `sun_path` has 108 bytes with its end. */
const longestPathBytes = 107;
const socketName = ".s.PGSQL.5432";
/** It goes through PostgreSQL's list of directories and through URLs. */
const plainPath = /^[\w./-]+$/;
const outerPrefix = "whispr-msg-";
const longestRecord = 2_048;

/**
 * Makes the directory of the Unix socket: 0700, PostgreSQL's user's, in a directory that only this process's user can write, so that nobody
 * can put another one in its place. That is the data directory when the path is short and plain, else a short one in a runtime
 * directory. Its name is recorded beside the data, since other processes (`psql-url`, `admin backup`) may see other variables than we do.
 */
export function makeSocketDirectory(layout: Layout, runAs: RunAs): string {
  removeSocketDirectory(layout);
  const made = candidates(layout).find((directory) => fits(directory) && make(directory, layout, runAs));
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
function candidates({ root, socket }: Layout): readonly string[] {
  const name = `${outerPrefix}${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  const places = [...(process.getuid?.() === 0 ? ["/run"] : []), tmpdir(), "/tmp"];
  return [
    socket,
    ...places.map((place) => join(place, name, "s")),
    join("/tmp", `${name}-${randomBytes(4).toString("hex")}`, "s"),
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
  record(directory, layout);
  try {
    if (directory === layout.socket) removeOurs(layout);
    else makeOuter(dirname(directory), runAs);
    mkdirSync(directory, { mode: 0o700 });
    if (isGiven(runAs)) chownSync(directory, runAs.owner.uid, runAs.owner.gid);
    return true;
  } catch {
    removeSocketDirectory(layout);
    return false;
  }
}

/** In the second line, as which role one connects: versions up to 0.4 wrote none and have but one. */
function record(directory: string, { socketRecord }: Layout): void {
  rmSync(socketRecord, { force: true });
  writeFileSync(socketRecord, `${directory}\n${applicationRole}\n`, { mode: 0o600, flag: "wx" });
}

function removeOurs({ root, socket }: Layout): void {
  using directory = Directory.open(root);
  removeEntry(directory, basename(socket));
}

function makeOuter(outer: string, runAs: RunAs): void {
  const place = trustedPath(dirname(outer));
  if (isGiven(runAs) && closedParent(join(place, "any"), runAs.owner) !== null)
    throw new Error(`PostgreSQL's user may not enter ${place}`);
  mkdirSync(outer, { mode: 0o700 });
  if (!isGiven(runAs)) return;
  chownSync(outer, 0, runAs.owner.gid);
  chmodSync(outer, 0o710);
}

function isGiven({ owner }: RunAs): boolean {
  return owner.uid !== process.getuid?.();
}

/** Also what a killed start left. Takes only what PostgreSQL puts there, and follows no link to it. */
export function removeSocketDirectory(layout: Layout): void {
  const place = isOwnFile(layout.socketRecord) ? recordedPlace(layout) : null;
  if (place !== null) removeSocketFiles(place.directory);
  rmSync(layout.socketRecord, { force: true });
}

function removeSocketFiles(path: string): void {
  try {
    unlinkSocket(path);
    rmdirSync(path);
  } catch {
    // never made, or not ours
  }
  const outer = dirname(path);
  if (!basename(outer).startsWith(outerPrefix)) return;
  try {
    rmdirSync(outer);
  } catch {
    // never made, or holds something else
  }
}

function unlinkSocket(path: string): void {
  using directory = Directory.open(path);
  for (const name of [socketName, `${socketName}.lock`]) {
    try {
      unlinkSync(directory.at(name));
    } catch {
      // PostgreSQL took it away itself
    }
  }
}

export interface RecordedPlace {
  readonly directory: string;
  /** Null: a version up to 0.4 started it. */
  readonly role: string | null;
}

/** Of a role only the one that we write is believed: whoever owns the directory could have put any text there, which goes into an address. */
export function recordedPlace({ socketRecord }: Layout): RecordedPlace | null {
  const [directory, role] = (readPart(socketRecord, longestRecord) ?? "").split("\n");
  return directory ? { directory, role: role === applicationRole ? role : null } : null;
}
