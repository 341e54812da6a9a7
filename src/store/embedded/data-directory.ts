import { accessSync, closeSync, constants, lstatSync } from "node:fs";
import { join, resolve } from "node:path";
import { adopt } from "./adopt.ts";
import { Directory, openOwnFile, readPart } from "./by-descriptor.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { codeOf, diskFull, EmbeddedRefusal, type EmbeddedRefusalCode, unsafeEntry } from "./refusal.ts";
import { refuseUnsafePath } from "./safe-path.ts";
import { makeTrusted } from "./trusted-path.ts";

/**
 * Makes the directory where it is missing (0700), and refuses one that cannot, or must not, be used. Afterwards it belongs to this process's
 * user, who alone can write it: what lies in it is what we put there. Only `data` and `socket` are given to PostgreSQL's user.
 */
export function prepareDataDirectory(path: string): Layout {
  const wanted = resolve(path);
  try {
    refuseUnsafePath(wanted);
    const layout = layoutOf(makeTrusted(wanted, 0o755));
    accessSync(layout.root, constants.R_OK | constants.W_OK | constants.X_OK);
    refuseForeign(layout);
    adopt(layout);
    claimAsOurs(layout);
    refuseLink(layout);
    return layout;
  } catch (error) {
    throw refusalOf(error, wanted);
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Its mode and, as root, its owner are changed: never do that to somebody's home by a slip of a setting. */
function refuseForeign(layout: Layout): void {
  using directory = Directory.open(layout.root);
  const names = directory.entries().map(({ name }) => name);
  const others = names.filter((name) => name !== "lost+found");
  if (others.length === 0 || names.includes("owner.lock") || hasDatabase(layout)) return;
  throw new EmbeddedRefusal({
    code: "foreign_directory",
    directory: layout.root,
    problem: `holds other things (${others.slice(0, 3).join(", ")}) and was not made by whispr-msg`,
    wayOut: "Set WHISPR_DATA_DIR to a directory of its own: an empty one, or one that does not exist yet",
  });
}

/** The lock's file is the sign that the directory is ours, from the first moment on. */
function claimAsOurs(layout: Layout): void {
  closeSync(openOwnFile(layout.ownerLock, constants.O_RDONLY | constants.O_CREAT));
}

/** As root all that is in the database is given to PostgreSQL's user: never to what somebody's link names. */
function refuseLink({ database }: Layout): void {
  const stat = lstatSync(database, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory())
    throw unsafeEntry(database, stat.isSymbolicLink() ? "is a link" : "is no directory");
  const own = process.getuid?.();
  if (own !== 0 && stat.uid !== own) throw unsafeEntry(database, `belongs to user ${stat.uid}`);
}

interface Refusal {
  readonly code: EmbeddedRefusalCode;
  readonly problem: string;
  readonly wayOut: string;
}

const elsewhere = "Set WHISPR_DATA_DIR to a directory that this user can write";

const notADirectory: Refusal = {
  code: "not_a_directory",
  problem: "is not a directory, or lies below a file",
  wayOut: elsewhere,
};

/** Refusals by the code of the system's error. */
const refusalByCode: Readonly<Record<string, Refusal>> = {
  EROFS: { code: "read_only", problem: "is on a read-only file system", wayOut: elsewhere },
  EACCES: {
    code: "not_writable",
    problem: `user ${process.getuid?.()} may not enter or write it`,
    wayOut: elsewhere,
  },
  EPERM: {
    code: "not_owner",
    problem: `belongs to another user than ${process.getuid?.()}`,
    wayOut: `Change its owner, or start as that user. ${elsewhere}`,
  },
  EEXIST: notADirectory,
  ENOTDIR: notADirectory,
};

/** Returns the refusal, with the way out, for what the system refuses to do in the data directory; any other error as it is. */
export function refusalOf(error: unknown, directory: string): unknown {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") return diskFull(directory);
  const refusal = refusalByCode[code];
  return refusal ? new EmbeddedRefusal({ directory, ...refusal }) : unusable(error, directory, elsewhere);
}

/** Errors of PostgreSQL have codes as well; those of the system are words. */
function unusable(error: unknown, directory: string, wayOut: string): unknown {
  const code = codeOf(error);
  if (error instanceof EmbeddedRefusal || !/^E[A-Z]+$/.test(code)) return error;
  return new EmbeddedRefusal({
    code: "unusable",
    directory,
    problem: `cannot be used (${code})`,
    wayOut,
  });
}

/** The data directory of another major version cannot be opened, and must not be touched. */
export function refuseOtherMajor(layout: Layout, major: string): void {
  const made = majorOf(layout);
  if (made === major) return;
  throw new EmbeddedRefusal({
    code: "other_major",
    directory: layout.database,
    problem: `was made by PostgreSQL ${made}, this executable carries PostgreSQL ${major}`,
    wayOut:
      "Start it with the release of whispr-msg that made it, or move its content with pg_dump and DATABASE_URL",
  });
}

export function hasDatabase(layout: Layout): boolean {
  return majorOf(layout) !== null;
}

/** PostgreSQL's user may write this file: only a number is believed. */
function majorOf({ database }: Layout): string | null {
  const text = isDirectory(database) ? readPart(join(database, "PG_VERSION"), 16) : null;
  return text === null ? null : (/^\d+(?=\n?$)/.exec(text)?.[0] ?? "of an unknown version");
}
