import { lstatSync, mkdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EmbeddedRefusal } from "./refusal.ts";

/** As which uid the kernel shows users that are not mapped into this user namespace. */
export const overflowUid = 65_534;
const allUids = 4_294_967_295;
const longestChain = 40;
const groupWrites = 0o020;
const othersWrite = 0o002;
const sticky = 0o1000;

interface Place {
  readonly path: string;
  readonly stat: Stats;
}

/**
 * Resolves a path, whose end need not exist, and refuses it when somebody else could put another directory in its place: what we make,
 * write and run there would be theirs. What is checked cannot be changed by them afterwards, so the path may be used by name.
 *
 * As root, each directory on the way belongs to root and is written by root alone. As another user, its owner and group are trusted as they
 * were chosen. A directory that anybody may write (`/tmp`) has the sticky bit, and what the path takes from it belongs to us or root.
 * Links are followed, but none that lies in a directory that anybody may write. Throws `unsafe_parent`.
 */
export function trustedPath(path: string): string {
  const names = resolve(path).split("/").filter(Boolean);
  let at: Place = { path: "/", stat: lstatSync("/") };
  for (let links = 0; names.length > 0; ) {
    refuseParent(at);
    const next = join(at.path, names.shift()!);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) return join(next, ...names);
    refuseStranger(at, { path: next, stat });
    if (!stat.isSymbolicLink()) at = { path: next, stat };
    else if (++links > longestChain) throw unsafe(next, "is a link that leads on and on");
    else at = followed(next, at, names);
  }
  return at.path;
}

/**
 * Makes this directory (0700) and those above it that are missing, and resolves it. That comes once more when it is made: somebody may have made a
 * part of it just before us. Throws `unsafe_parent`, `other_owner`, and the errors of the system.
 */
export function makeTrusted(path: string, parentsMode: number): string {
  const place = trustedPath(path);
  mkdirSync(dirname(place), { recursive: true, mode: parentsMode });
  if (!lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) mkdirSync(place, { mode: 0o700 });
  return trustedPath(path);
}

/** Puts the components of the link's target before those that are left, and gives the directory from which they are taken. */
function followed(link: string, from: Place, names: string[]): Place {
  if (from.stat.mode & othersWrite)
    throw unsafe(link, `is a link in ${from.path}, where anybody could have made it`);
  const target = resolve(from.path, readlinkSync(link));
  names.unshift(...target.split("/").filter(Boolean));
  return { path: "/", stat: lstatSync("/") };
}

function refuseParent({ path, stat: { mode, uid, gid } }: Place): void {
  if (mode & othersWrite && !(mode & sticky)) throw unsafe(path, "may be written by anybody");
  if (process.getuid?.() !== 0) return;
  if (uid !== 0 && !isUnmapped(uid)) throw unsafe(path, `belongs to user ${uid}`);
  if (mode & groupWrites && !(mode & sticky) && gid !== 0 && !isUnmapped(gid))
    throw unsafe(path, `may be written by group ${gid}`);
}

/** Anybody, or a group that is not root's. */
export function mayOthersWrite(mode: number, gid: number): boolean {
  return (mode & othersWrite) !== 0 || ((mode & groupWrites) !== 0 && gid !== 0 && !isUnmapped(gid));
}

/** Anybody may have made this in `/tmp`; whose it is decides. The end of the path is the business of who asks. */
function refuseStranger(parent: Place, { path, stat }: Place): void {
  if (!(parent.stat.mode & othersWrite) || isOurs(stat.uid)) return;
  throw new EmbeddedRefusal({
    code: "other_owner",
    directory: path,
    problem: `belongs to user ${stat.uid}, and anybody may make such a directory in ${parent.path}`,
    wayOut:
      "Set WHISPR_DATA_DIR to a directory whose parents only this user can write, such as /var/lib/whispr-msg",
  });
}

export function isOurs(uid: number): boolean {
  return uid === 0 || uid === process.getuid?.();
}

/** In a user namespace that lacks most users (a rootless container), the machine's root is shown as this. */
function isUnmapped(id: number): boolean {
  return id === overflowUid && mappedUids() < allUids;
}

/** How many users this user namespace has; all of them outside of containers, and in those that map none. */
export function mappedUids(): number {
  return uidMap().reduce((sum, { count }) => sum + count, 0);
}

export function isMapped(uid: number): boolean {
  return uidMap().some(({ first, count }) => uid >= first && uid < first + count);
}

/** user_namespaces(7): each line is the first uid in here, the first one outside, and how many there are. */
function uidMap(): readonly { readonly first: number; readonly count: number }[] {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return { first, count };
  });
}

/** The outermost directory on the way to `path` that this user cannot pass, by the mode bits; null: they can pass all. */
export function closedParent(
  path: string,
  user: { readonly uid: number; readonly gid: number },
): string | null {
  const parents: string[] = [];
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) parents.unshift(at);
  return parents.find((parent) => !mayPass(lstatSync(parent), user)) ?? null;
}

function mayPass(stat: Stats, { uid, gid }: { readonly uid: number; readonly gid: number }): boolean {
  const shift = stat.uid === uid ? 6 : stat.gid === gid ? 3 : 0;
  return ((stat.mode >> shift) & 1) === 1;
}

function unsafe(directory: string, problem: string): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "unsafe_parent",
    directory,
    problem: `${problem}: somebody else could put something in the place of the data`,
    wayOut:
      "Set WHISPR_DATA_DIR to a directory whose parents only this user can write, such as /var/lib/whispr-msg, or change its owner and mode (chown root, chmod go-w)",
  });
}
