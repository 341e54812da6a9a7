import { chmodSync, fchmodSync, fchownSync, lstatSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Directory, isOwnFile, removeEntry } from "./by-descriptor.ts";
import { treeNamePattern } from "./carried.ts";
import { descriptionOf, FileLock } from "./file-lock.ts";
import type { Layout } from "./layout.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { mayOthersWrite, overflowUid } from "./trusted-path.ts";

const othersWrite = 0o022;
const anybodyWrites = 0o002;
/** To whom versions up to 0.4 gave the whole directory when root started them: `nobody`. */
const formerUid = overflowUid;

/**
 * Makes sure that the directory belongs to this process's user, and that nothing in it that we read, write or run was put there by somebody
 * else: what was is removed, but for the database. What versions up to 0.4 gave to `nobody` is taken back; nobody else can have made such a
 * directory, since only we may write the one that it is in. Throws `other_owner` for a directory of another user, and `open_directory` for
 * one of root that others could write and that holds something.
 */
export function adopt(layout: Layout): void {
  const stat = lstatSync(layout.root);
  const isOurs = stat.uid === process.getuid?.();
  if (!isOurs && !isOfFormerVersion(layout.root)) throw ofAnother(layout, stat.uid);
  if (isOurs) refuseOpen(layout, stat);
  if (isOurs && strangeEntries(layout).length === 0) return closeToOthers(layout, stat);
  const lock = takeLock(layout);
  try {
    takeBack(layout, stat);
    for (const name of isOurs ? strangeEntries(layout) : doubtfulEntries(layout)) remove(layout, name);
  } finally {
    lock?.release();
  }
}

/** Whether root's earlier version left the directory to `nobody`: nobody else can have made one there. */
export function isOfFormerVersion(root: string): boolean {
  if (process.getuid?.() !== 0 || lstatSync(root).uid !== formerUid) return false;
  return (lstatSync(dirname(root)).mode & anybodyWrites) === 0;
}

/**
 * The database in it, which is given to PostgreSQL's user, may be one that others prepared: it runs what its settings name. An empty
 * directory is closed and used. It is closed while it is looked at, and left as it was.
 */
function refuseOpen(layout: Layout, { mode, gid }: Stats): void {
  if (process.getuid?.() !== 0 || !mayOthersWrite(mode, gid)) return;
  chmodSync(layout.root, 0o700);
  if (namesIn(layout.root).every((name) => name === "lost+found")) return;
  chmodSync(layout.root, mode & 0o7777);
  throw openToOthers(layout);
}

/** PostgreSQL's group may pass it, where PostgreSQL runs as another user; `chooseRunAs` sees to that. */
function closeToOthers({ root }: Layout, { mode }: Stats): void {
  const isClosed = (mode & 0o777) === 0o700 || (process.getuid?.() === 0 && (mode & 0o777) === 0o710);
  if (!isClosed) chmodSync(root, 0o700);
}

/** A process of an earlier version may be at work in it. A lock that is not ours was held by none of ours. */
function takeLock(layout: Layout): FileLock | null {
  if (!isOwnFile(layout.ownerLock)) return null;
  const lock = FileLock.tryTake(layout.ownerLock);
  if (lock === null) throw heldByAnother(layout);
  return lock;
}

/** From here on nobody else can put anything into it. */
function takeBack({ root }: Layout, seen: Stats): void {
  using directory = Directory.open(root);
  const { uid, ino } = directory.stat();
  if (uid !== seen.uid || ino !== seen.ino) throw new Error(`${root} was replaced while it was looked at`);
  fchownSync(directory.fd, process.getuid?.() ?? uid, process.getgid?.() ?? -1);
  fchmodSync(directory.fd, 0o700);
}

/**
 * In a directory that was another user's: whatever is believed by its name, also what this user made. They could rename it, and had written
 * some of it: the log.
 */
function doubtfulEntries(layout: Layout): readonly string[] {
  const { socketRecord, access, accessNames, devKey } = layout;
  const believed = [socketRecord, access, accessNames, devKey].map((path) => basename(path));
  const trees = namesIn(layout.root).filter((name) => treeNamePattern.test(name));
  return [...new Set([...strangeEntries(layout), ...believed, ...trees])];
}

function namesIn(root: string): readonly string[] {
  using directory = Directory.open(root);
  return directory.entries().map(({ name }) => name);
}

/** Names of what this user did not make. */
function strangeEntries(layout: Layout): readonly string[] {
  const { ownerLock, postgresLock, log, formerLog, socketRecord, access, accessNames, devKey } = layout;
  const files = [ownerLock, postgresLock, log, formerLog, socketRecord, access, accessNames, devKey];
  const strange = files.filter((path) => exists(path) && !isOwnFile(path)).map((path) => basename(path));
  return [...strange, ...strangeTrees(layout)];
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function strangeTrees({ root }: Layout): readonly string[] {
  const trees = namesIn(root).filter((name) => treeNamePattern.test(name));
  return trees.filter((name) => !isOwnTree(lstatSync(join(root, name))));
}

function isOwnTree(stat: Stats): boolean {
  return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & othersWrite) === 0;
}

function remove({ root }: Layout, name: string): void {
  using directory = Directory.open(root);
  removeEntry(directory, name);
}

export function heldByAnother(layout: Layout): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "held",
    directory: layout.root,
    problem: `another whispr-msg works on it (${descriptionOf(layout.ownerLock)})`,
    wayOut: "Stop that one first, or give this one another WHISPR_DATA_DIR and port",
  });
}

function openToOthers({ root }: Layout): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "open_directory",
    directory: root,
    problem: "others than root may write it, so that they may have put there what is in it",
    wayOut: `Make sure that it holds nothing of theirs and close it (chmod 0700 ${root}), or set WHISPR_DATA_DIR to another directory`,
  });
}

function ofAnother({ root }: Layout, uid: number): EmbeddedRefusal {
  const asRoot = process.getuid?.() === 0;
  return new EmbeddedRefusal({
    code: "other_owner",
    directory: root,
    problem: `belongs to user ${uid}, and this is user ${process.getuid?.()}`,
    wayOut: asRoot
      ? "Start whispr-msg as that user. If root shall have it: stop every process of that user that works on it, then chown root (the directory alone; what is in it is looked at)"
      : "Start whispr-msg as that user, or change the owner of the directory and of all that is in it",
  });
}
