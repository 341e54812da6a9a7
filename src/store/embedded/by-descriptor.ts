import {
  closeSync,
  constants,
  type Dirent,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { codeOf, unsafeEntry } from "./refusal.ts";

/**
 * Files and directories that another user may own, and change while we look. What is checked is an open descriptor, so that it is the same
 * file that is then used: no link is followed, and no FIFO makes us wait.
 *
 * Bun and Node have no openat(2). `/proc/self/fd/N/name` does the same: the kernel takes the open directory N itself, whatever its
 * path leads to by now, and `name` is one component of it.
 */
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** As whom files are owned. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** An open directory. Close it with `using`. */
export class Directory {
  readonly fd: number;
  /** For people only: it may lead elsewhere by now. */
  readonly path: string;

  private constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
  }

  /** Throws ENOTDIR for a link. Earlier components of `path` are followed: `trusted-path.ts` says whether they may be. */
  static open(path: string): Directory {
    return new Directory(openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
  }

  /** A path of this entry that nobody can redirect; good for calls that do not follow a link at its end. */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  stat(): Stats {
    return fstatSync(this.fd);
  }

  entries(): readonly Dirent[] {
    return readdirSync(this.at("."), { withFileTypes: true });
  }

  openDirectory(name: string): Directory {
    return new Directory(
      openSync(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
      `${this.path}/${name}`,
    );
  }

  /** A plain file, for reading; throws `unsafe_entry` for anything else. The caller closes it. */
  openFile(name: string): { readonly fd: number; readonly stat: Stats } {
    return openPlain(this.at(name), O_RDONLY, `${this.path}/${name}`);
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

function openPlain(path: string, flags: number, shown = path, mode = 0o600): { fd: number; stat: Stats } {
  const fd = openWithoutFollowing(path, flags, shown, mode);
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, stat };
  closeSync(fd);
  throw unsafeEntry(shown, "is not a plain file");
}

function openWithoutFollowing(path: string, flags: number, shown: string, mode: number): number {
  try {
    return openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, mode);
  } catch (error) {
    if (codeOf(error) === "ELOOP") throw unsafeEntry(shown, "is a link");
    if (codeOf(error) === "ENXIO" || codeOf(error) === "EISDIR")
      throw unsafeEntry(shown, "is not a plain file");
    throw error;
  }
}

/**
 * Opens a file that only this process's user may have made. Throws `unsafe_entry` for a link, a second name (hard link) of another file,
 * anything that is no plain file, and what another user owns.
 */
export function openOwnFile(path: string, flags: number, mode = 0o600): number {
  const { fd, stat } = openPlain(path, flags, path, mode);
  if (isOwn(stat)) return fd;
  closeSync(fd);
  throw unsafeEntry(path, stat.nlink > 1 ? "has a second name" : `belongs to user ${stat.uid}`);
}

function isOwn({ uid, nlink }: Stats): boolean {
  return uid === process.getuid?.() && nlink === 1;
}

/** Whether there is such a file, as `openOwnFile` takes it. Nothing is opened. */
export function isOwnFile(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && isOwn(stat);
}

/** `readPlainFile`; null where there is none, or it cannot be read. */
export function readPart(path: string, bytes: number): string | null {
  try {
    return readPlainFile(path, bytes);
  } catch {
    return null;
  }
}

/**
 * The first or, for a negative number, the last so many bytes of a plain file. Follows no link and never waits. Throws `unsafe_entry` for
 * anything but a plain file, and the errors of the system.
 */
export function readPlainFile(path: string, bytes: number): string {
  const { fd, stat } = openPlain(path, O_RDONLY);
  try {
    const from = bytes < 0 ? Math.max(0, stat.size + bytes) : 0;
    const buffer = Buffer.alloc(Math.abs(bytes));
    return buffer.toString("utf8", 0, readSync(fd, buffer, 0, buffer.length, from));
  } finally {
    closeSync(fd);
  }
}

/**
 * Gives a directory, with all that is below, to `owner`: what belongs to it already or to whoever owns the directory that it is in.
 * Anything else was put there by somebody else, perhaps as a second name of a file of ours: it is refused by name. The directory itself
 * comes last, so that a call that was cut short is seen and finished by the next one.
 */
export function giveTree(directory: Directory, owner: Owner, former = directory.stat().uid): void {
  const { uid } = directory.stat();
  if (uid !== owner.uid && uid !== former) throw unsafeEntry(directory.path, `belongs to user ${uid}`);
  for (const entry of directory.entries()) giveEntry(directory, entry, owner, { former, parent: uid });
  fchownSync(directory.fd, owner.uid, owner.gid);
}

function giveEntry(
  directory: Directory,
  entry: Dirent,
  owner: Owner,
  by: { readonly former: number; readonly parent: number },
): void {
  if (entry.isDirectory()) {
    using child = directory.openDirectory(entry.name);
    return giveTree(child, owner, by.former);
  }
  if (entry.isSymbolicLink()) throw unsafeEntry(`${directory.path}/${entry.name}`, "is a link");
  const { fd, stat } = directory.openFile(entry.name);
  try {
    const shown = `${directory.path}/${entry.name}`;
    if (stat.nlink > 1) throw unsafeEntry(shown, "has a second name");
    if (stat.uid !== owner.uid && stat.uid !== by.parent)
      throw unsafeEntry(shown, `belongs to user ${stat.uid}`);
    fchownSync(fd, owner.uid, owner.gid);
  } finally {
    closeSync(fd);
  }
}

/** Removes an entry, with all that is below where it is a directory. Whatever somebody swaps meanwhile, nothing outside is touched. */
export function removeEntry(directory: Directory, name: string): void {
  const stat = lstatSync(directory.at(name), { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) return unlinkSync(directory.at(name));
  removeBelow(directory, name);
  rmdirSync(directory.at(name));
}

function removeBelow(directory: Directory, name: string): void {
  using child = directory.openDirectory(name);
  for (const entry of child.entries()) removeEntry(child, entry.name);
}
