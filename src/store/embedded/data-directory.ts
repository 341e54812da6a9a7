import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { codeOf, diskFull, EmbeddedRefusal } from "./refusal.ts";
import { refuseUnsafePath } from "./safe-path.ts";

/** What a data directory holds. `database` is PostgreSQL's own, complete or absent; the rest is ours. */
export interface Layout {
  readonly root: string;
  readonly ownerLock: string;
  readonly postgresLock: string;
  readonly database: string;
  readonly databaseInWork: string;
  readonly log: string;
  readonly socketRecord: string;
}

export function layoutOf(root: string): Layout {
  return {
    root,
    ownerLock: join(root, "owner.lock"),
    postgresLock: join(root, "postgres.lock"),
    database: join(root, "data"),
    databaseInWork: join(root, "data.new"),
    log: join(root, "postgres.log"),
    socketRecord: join(root, "socket-directory"),
  };
}

/** Makes the directory where it is missing (0700) and refuses one that cannot, or must not, be used. */
export function prepareDataDirectory(path: string): Layout {
  const wanted = resolve(path);
  try {
    refuseUnsafePath(wanted);
    mkdirSync(dirname(wanted), { recursive: true, mode: 0o755 });
    if (!isDirectory(wanted)) mkdirSync(wanted, { mode: 0o700 });
    const layout = layoutOf(realpathSync(wanted));
    accessSync(layout.root, constants.R_OK | constants.W_OK | constants.X_OK);
    refuseForeign(layout);
    claimAsOurs(layout);
    if ((statSync(layout.root).mode & 0o777) !== 0o700) chmodSync(layout.root, 0o700);
    return layout;
  } catch (error) {
    throw refusalOf(error, wanted);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** As root the directory changes hands and its mode is tightened: never do that to somebody's home by a slip of a setting. */
function refuseForeign(layout: Layout): void {
  const names = readdirSync(layout.root).filter((name) => name !== "lost+found");
  if (names.length === 0 || names.includes("owner.lock") || hasDatabase(layout)) return;
  throw new EmbeddedRefusal({
    code: "foreign_directory",
    directory: layout.root,
    problem: `holds other things (${names.slice(0, 3).join(", ")}) and was not made by whispr-msg`,
    wayOut: "Set WHISPR_DATA_DIR to a directory of its own: an empty one, or one that does not exist yet",
  });
}

/** The lock's file is the sign that the directory is ours, from the first moment on. */
function claimAsOurs(layout: Layout): void {
  closeSync(openSync(layout.ownerLock, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
}

/** What the system refuses to do in the data directory, with the way out; anything else as it is. */
export function refusalOf(error: unknown, directory: string): unknown {
  const elsewhere = "Set WHISPR_DATA_DIR to a directory that this user can write";
  switch (codeOf(error)) {
    case "EROFS":
      return new EmbeddedRefusal({
        code: "read_only",
        directory,
        problem: "is on a read-only file system",
        wayOut: elsewhere,
      });
    case "EACCES":
      return new EmbeddedRefusal({
        code: "not_writable",
        directory,
        problem: `user ${process.getuid?.()} may not enter or write it`,
        wayOut: elsewhere,
      });
    case "EPERM":
      return new EmbeddedRefusal({
        code: "not_owner",
        directory,
        problem: `belongs to another user than ${process.getuid?.()}`,
        wayOut: `Change its owner, or start as that user. ${elsewhere}`,
      });
    case "EEXIST":
    case "ENOTDIR":
      return new EmbeddedRefusal({
        code: "not_a_directory",
        directory,
        problem: "is not a directory, or lies below a file",
        wayOut: elsewhere,
      });
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(directory);
    default:
      return unusable(error, directory, elsewhere);
  }
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
  const made = readFileSync(join(layout.database, "PG_VERSION"), "utf8").trim();
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
  return statSync(join(layout.database, "PG_VERSION"), { throwIfNoEntry: false }) !== undefined;
}
