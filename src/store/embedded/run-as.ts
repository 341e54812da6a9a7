import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, lchownSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "./data-directory.ts";
import { groupOfUser } from "./libc.ts";
import { EmbeddedRefusal } from "./refusal.ts";

const nobody = 65_534;

/** As whom PostgreSQL runs: it refuses root, and `initdb` refuses a user that has no name. */
export interface RunAs {
  /** Who owns the files, as seen from here. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** What stands before the program. */
  readonly prefix: readonly string[];
  readonly switchUser: boolean;
}

/**
 * As root: the data directory's owner, or nobody, where that user can reach the directory; else a user namespace in which root's
 * files are an ordinary user's. As anybody else: that user, or a namespace where the user has no name.
 * The directory's files belong to the chosen one afterwards.
 */
export function chooseRunAs(layout: Layout, tree: string): RunAs {
  const problems: string[] = [];
  for (const candidate of candidates(layout)) {
    const problem = claimProblem(layout, candidate) ?? problemOf(candidate, tree);
    if (problem === null) return candidate;
    problems.push(problem);
  }
  throw refusalFor(layout, problems);
}

function candidates(layout: Layout): readonly RunAs[] {
  const own = { uid: process.getuid?.() ?? nobody, gid: process.getgid?.() ?? nobody };
  const plain = own.uid === 0 ? unprivileged(layout) : plainUser(own.uid, own.gid, false);
  const mapped = namedUser();
  const namespace: RunAs = {
    owner: own,
    prefix: ["unshare", "--user", `--map-user=${mapped.uid}`, `--map-group=${mapped.gid}`, "--"],
    switchUser: false,
  };
  return plain === null ? [namespace] : [plain, namespace];
}

function unprivileged(layout: Layout): RunAs | null {
  const { uid, gid } = statSync(layout.root);
  return (
    (uid === 0 ? null : plainUser(uid, gid, true)) ?? plainUser(nobody, groupOfUser(nobody) ?? nobody, true)
  );
}

function plainUser(uid: number, gid: number, switchUser: boolean): RunAs | null {
  return groupOfUser(uid) === null ? null : { owner: { uid, gid }, prefix: [], switchUser };
}

/** Any user with a name will do inside a namespace. */
function namedUser(): { uid: number; gid: number } {
  for (const uid of [nobody, 1000, 1, 2, 3]) {
    const gid = groupOfUser(uid);
    if (gid !== null) return { uid, gid };
  }
  return { uid: 1000, gid: 1000 };
}

/** The root of a user namespace cannot give files to users that are not mapped into it. */
function claimProblem(layout: Layout, runAs: RunAs): string | null {
  try {
    claim(layout, runAs);
    return null;
  } catch (error) {
    return `as user ${runAs.owner.uid}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function claim(layout: Layout, { owner }: RunAs): void {
  if (process.getuid?.() !== 0) return;
  give(layout.root, owner);
  if (!existsSync(layout.database) || isOwned(layout.database, owner)) return;
  const entries = readdirSync(layout.database, { recursive: true, withFileTypes: true });
  for (const entry of entries) give(join(entry.parentPath, entry.name), owner);
  // Last, so that a claim that was cut short is seen and finished by the next start.
  give(layout.database, owner);
}

function give(path: string, owner: RunAs["owner"]): void {
  if (!isOwned(path, owner)) lchownSync(path, owner.uid, owner.gid);
}

function isOwned(path: string, owner: RunAs["owner"]): boolean {
  const { uid } = statSync(path, { throwIfNoEntry: false }) ?? owner;
  return uid === owner.uid;
}

/** The kernel knows better than mode bits whether that user can get there and run it: try. */
function problemOf(runAs: RunAs, tree: string): string | null {
  const [program, args] = commandLine(runAs, join(tree, "bin", "postgres"), ["--version"]);
  const tried = spawnSync(program, args, { ...processOptions(runAs, tree), encoding: "utf8" });
  if (tried.status === 0) return null;
  const by = runAs.prefix.length > 0 ? "in a user namespace" : `as user ${runAs.owner.uid}`;
  return `${by}: ${tried.error?.message ?? tried.stderr.trim().split("\n").at(-1)}`;
}

function commandLine(runAs: RunAs, program: string, args: readonly string[]): [string, string[]] {
  const [first, ...rest] = [...runAs.prefix, program, ...args];
  return [first ?? program, rest];
}

/** A clean environment: nothing that is set here for `psql` or for a locale reaches the server. */
function processOptions(runAs: RunAs, tree: string) {
  const env = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    LD_LIBRARY_PATH: join(tree, "lib"),
    LC_ALL: "C",
    TZ: "UTC",
  };
  return { cwd: "/", env, ...(runAs.switchUser ? runAs.owner : {}) };
}

/**
 * Starts a program of the tree in a session of its own, where the signals of our terminal and process group do not reach it,
 * with the lock as descriptor 3. Does not keep this process alive.
 */
export function startProgram(start: {
  runAs: RunAs;
  tree: string;
  program: "postgres" | "initdb";
  args: readonly string[];
  logFd: number;
  lockFd: number;
}): ChildProcess {
  const [program, args] = commandLine(start.runAs, join(start.tree, "bin", start.program), start.args);
  const stdio = ["ignore" as const, start.logFd, start.logFd, start.lockFd];
  const child = spawn(program, args, { ...processOptions(start.runAs, start.tree), detached: true, stdio });
  child.unref();
  return child;
}

function refusalFor(layout: Layout, problems: readonly string[]): EmbeddedRefusal {
  const asRoot = process.getuid?.() === 0;
  return new EmbeddedRefusal({
    code: asRoot ? "closed_directory" : "no_usable_uid",
    directory: layout.root,
    problem: `PostgreSQL cannot run here (${problems.join("; ")})`,
    wayOut: asRoot
      ? "It never runs as root: open the parent directories for others to pass (chmod o+x), put WHISPR_DATA_DIR elsewhere, or start as an ordinary user"
      : `Start as a user that has an entry in /etc/passwd (this one is ${process.getuid?.()}), or set DATABASE_URL`,
  });
}
