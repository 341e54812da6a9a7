import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Directory, giveTree, type Owner } from "./by-descriptor.ts";
import { anyAccount, databaseUser } from "./database-user.ts";
import type { Layout } from "./layout.ts";
import { type Account, accountOfUid } from "./libc.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { closedParent } from "./trusted-path.ts";

/** As whom PostgreSQL runs: it refuses root, and `initdb` refuses a user that has no name. */
export interface RunAs {
  /** Who owns the database and the socket, as seen from here. */
  readonly owner: Owner;
  /** `initdb` runs as this user and in the group of the owner, which alone may enter the directory. */
  readonly initdbUid: number;
  readonly way: Way;
  /** Names that PostgreSQL finds for the users who may connect. */
  readonly clients: readonly string[];
}

/**
 * `self`: as this process. `switched`: root starts it as another user. `covered`: so as well, in a mount namespace in which a parent
 * directory that others may not enter is covered by one that holds nothing but the way to the data. `named`: a user without a name runs it in
 * a user namespace, where they have that of `account`; nothing but what they may do anyway can be done there.
 */
type Way =
  | { readonly type: "self" }
  | { readonly type: "switched" }
  | { readonly type: "covered"; readonly parent: string; readonly root: string }
  | { readonly type: "named"; readonly account: Account };

/**
 * As root: a user of its own, to whom the database is given. As anybody else: that user. Throws `closed_directory` or `no_usable_uid` when
 * PostgreSQL cannot run so: root's files are never made an ordinary user's instead.
 */
export function chooseRunAs(layout: Layout, tree: string, wanted: string | null): RunAs {
  const asRoot = process.getuid?.() === 0;
  const owner = asRoot ? databaseUser(wanted, layout.root) : null;
  const runAs = owner === null ? asThisUser(layout) : asOther(owner, layout);
  if (owner !== null) {
    refuseWeakRoot(layout);
    give(layout, owner);
  }
  const problems: string[] = [];
  for (const each of [runAs, ...covered(runAs, layout)]) {
    const problem = problemOf(each, tree);
    if (problem === null) return each;
    problems.push(problem);
  }
  throw refusalFor(layout, problems);
}

function asThisUser(layout: Layout): RunAs {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const own = owner.uid === 0 ? null : accountOfUid(owner.uid);
  const account = own ?? anyAccount("namespace");
  if (account === null) throw noAccount(layout);
  const others = own === null ? [] : [accountOfUid(0)?.name ?? []].flat();
  const way: Way = own === null ? { type: "named", account } : { type: "self" };
  return { owner, initdbUid: owner.uid, way, clients: [account.name, ...others] };
}

function asOther(owner: Owner, layout: Layout): RunAs {
  const root = accountOfUid(0);
  const initdb = accountOfUid(owner.uid) ?? anyAccount("initdb");
  if (root === null || initdb === null) throw noAccount(layout);
  return { owner, initdbUid: initdb.uid, way: { type: "switched" }, clients: [root.name] };
}

/** For a directory below one that only root may enter, as its home is. Needs the right to mount. */
function covered(runAs: RunAs, { root }: Layout): readonly RunAs[] {
  if (runAs.way.type !== "switched") return [];
  const parent = closedParent(root, runAs.owner);
  return parent === null ? [] : [{ ...runAs, way: { type: "covered", parent, root } }];
}

/** By its number in capabilities(7): what root needs to give files away, to reach them, and to start and end another user's process. */
const neededByRoot = { CAP_CHOWN: 0, CAP_DAC_OVERRIDE: 1, CAP_KILL: 5, CAP_SETGID: 6, CAP_SETUID: 7 };

/** Root may be without the rights of root, as in a container that drops them. */
function refuseWeakRoot(layout: Layout): void {
  const effective = BigInt(
    `0x${/^CapEff:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`,
  );
  const lacking = Object.entries(neededByRoot).filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n);
  if (lacking.length === 0) return;
  const names = lacking.map(([name]) => name).join(", ");
  throw refusalFor(layout, [`root lacks ${names}, which it needs to run it as another user`]);
}

/** Only PostgreSQL's group may enter the directory besides root, and only root may write it. */
function give(layout: Layout, owner: Owner): void {
  chownSync(layout.root, 0, owner.gid);
  chmodSync(layout.root, 0o710);
  const stat = lstatSync(layout.database, { throwIfNoEntry: false });
  if (stat === undefined || stat.uid === owner.uid) return;
  using database = Directory.open(layout.database);
  giveTree(database, owner);
}

/** The kernel knows better than mode bits whether that user can get there and run it: try. */
function problemOf(runAs: RunAs, tree: string): string | null {
  const { program, args, options } = commandOf(runAs, runAs.owner.uid, tree, "postgres", ["--version"]);
  const tried = spawnSync(program, args, { ...options, encoding: "utf8" });
  if (tried.status === 0) return null;
  return `${wayText(runAs)}: ${tried.error?.message ?? tried.stderr.trim().split("\n").at(-1)}`;
}

function wayText({ way, owner }: RunAs): string {
  if (way.type === "named") return "in a user namespace";
  return way.type === "covered" ? `as user ${owner.uid} with ${way.parent} covered` : `as user ${owner.uid}`;
}

/** $1: what is covered, $2: the data directory, $3 and $4: user and group, $5: libraries. Nothing of it is seen by other processes. */
const cover = `
umask 022 && cd "$2" && mount -t tmpfs -o mode=0711,size=64k,nosuid,nodev tmpfs "$1" && mkdir -p "$2" &&
mount --no-canonicalize --bind /proc/self/cwd "$2" && mount -o remount,ro "$1" && cd / || exit 1
user=$3 group=$4; export LD_LIBRARY_PATH="$5"; shift 5
exec setpriv --reuid="$user" --regid="$group" --clear-groups "$@"`;

/** The command line and what it is started with. A clean environment: nothing that is set here for `psql` or for a locale reaches the server. */
function commandOf(
  { way, owner }: RunAs,
  uid: number,
  tree: string,
  name: "postgres" | "initdb",
  args: readonly string[],
) {
  const libraries = join(tree, "lib");
  const program = join(tree, "bin", name);
  const base = { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
  const options = { cwd: "/", env: { ...base, LD_LIBRARY_PATH: libraries } };
  switch (way.type) {
    case "self":
      return { program, args: [...args], options };
    case "switched":
      return { program, args: [...args], options: { ...options, uid, gid: owner.gid } };
    case "named":
      return { program: "unshare", args: [...userNamespace(way), program, ...args], options };
    case "covered": {
      const namespace = coveredNamespace(way, [`${uid}`, `${owner.gid}`, libraries]);
      return {
        program: "unshare",
        args: [...namespace, program, ...args],
        options: { cwd: "/", env: base },
      };
    }
  }
}

/** Arguments of `unshare`, before the program. */
function userNamespace({ account }: Extract<Way, { type: "named" }>): readonly string[] {
  return ["--user", `--map-user=${account.uid}`, `--map-group=${account.gid}`, "--"];
}

/** Arguments of `unshare`, before the program. `user`: the numbers of user and group, and the libraries. */
function coveredNamespace(
  { parent, root }: Extract<Way, { type: "covered" }>,
  user: readonly [uid: string, gid: string, libraries: string],
): readonly string[] {
  return ["--mount", "--propagation", "private", "--", "/bin/sh", "-c", cover, "sh", parent, root, ...user];
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
  const { runAs, tree } = start;
  const uid = start.program === "initdb" ? runAs.initdbUid : runAs.owner.uid;
  const { program, args, options } = commandOf(runAs, uid, tree, start.program, start.args);
  const stdio = ["ignore" as const, start.logFd, start.logFd, start.lockFd];
  const child = spawn(program, args, { ...options, detached: true, stdio });
  child.unref();
  return child;
}

function noAccount(layout: Layout): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "no_account",
    directory: layout.root,
    problem: `PostgreSQL asks for the names of users, and this machine knows none for ${process.getuid?.()} or for any other`,
    wayOut: "Give it an /etc/passwd with root and one more account, or set DATABASE_URL",
  });
}

function refusalFor(layout: Layout, problems: readonly string[]): EmbeddedRefusal {
  const asRoot = process.getuid?.() === 0;
  return new EmbeddedRefusal({
    code: asRoot ? "closed_directory" : "no_usable_uid",
    directory: layout.root,
    problem: `PostgreSQL cannot run here (${problems.join("; ")})`,
    wayOut: asRoot
      ? "It never runs as root: put WHISPR_DATA_DIR where others may pass (/var/lib/whispr-msg), open the parent directories for them (chmod o+x), or start whispr-msg as an ordinary user"
      : `Start as a user that has an entry in /etc/passwd (this one is ${process.getuid?.()}), or set DATABASE_URL`,
  });
}
