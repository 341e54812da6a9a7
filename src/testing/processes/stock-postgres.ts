import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { askOutside, outsideClient } from "./outside.ts";
import { freePort } from "./server.ts";

/** A PostgreSQL as Debian ships it. */
export interface StockPrograms {
  /** The directory of `initdb` and `postgres`. */
  readonly directory: string;
  readonly version: number;
}

const debianHome = "/usr/lib/postgresql";
/** Names a directory of programs that is not found by itself. */
const programsVariable = "WHISPR_TEST_POSTGRES_BIN";
const noCluster = "/etc/postgresql-common/createcluster.d/whispr-tests.conf";
const longestInstallMs = 240_000;

/** Returns the newest PostgreSQL of 15 or above that is installed on this machine; null: there is none. */
export function findStockPrograms(): StockPrograms | null {
  const named = process.env[programsVariable];
  const inDebian = existsSync(debianHome)
    ? readdirSync(debianHome).map((each) => join(debianHome, each, "bin"))
    : [];
  const inPath = (process.env.PATH ?? "").split(":").filter((each) => existsSync(join(each, "initdb")));
  const found = (named ? [named] : [...inDebian, ...inPath]).map(programsIn).filter((each) => each !== null);
  return found.toSorted((one, other) => other.version - one.version)[0] ?? null;
}

function programsIn(directory: string): StockPrograms | null {
  const { stdout } = spawnSync(join(directory, "postgres"), ["--version"], { encoding: "utf8" });
  const version = Number(/PostgreSQL\) (\d+)/.exec(stdout ?? "")?.[1] ?? 0);
  return version >= 15 && existsSync(join(directory, "initdb")) ? { directory, version } : null;
}

/**
 * Installs Debian's PostgreSQL with apt, without a cluster or a service of its own. Needs root and apt, and takes at most 4 minutes. Returns why
 * it could not; null: it is there.
 */
export function installStockPrograms(): string | null {
  if (process.getuid?.() !== 0) return "only root may install it";
  if (!existsSync("/usr/bin/apt-get")) return "there is no apt-get on this machine";
  mkdirSync(dirname(noCluster), { recursive: true });
  writeFileSync(noCluster, "create_main_cluster = false\n");
  const install = `
    get="apt-get install -y -qq --no-install-recommends"
    apt-get update -qq && $get postgresql || exit 1
    server=$(apt-cache depends postgresql | sed -n 's/.*Depends: \\(postgresql-[0-9]*\\)$/\\1/p' | head -1)
    if apt-cache show "$server-jit" >/dev/null 2>&1; then $get "$server-jit"; fi`;
  const done = spawnSync("sh", ["-c", install], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: longestInstallMs,
    stdio: ["ignore", "pipe", "pipe"],
  });
  rmSync(noCluster, { force: true });
  if (done.status === 0) return null;
  const lastLines = `${done.stdout}${done.stderr}`.trim().split("\n").slice(-3).join(" | ");
  return `apt-get could not install it: ${lastLines || (done.error?.message ?? "it took too long")}`;
}

export interface StockServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Whether its statements are compiled when they look expensive. */
export async function hasJit(url: string): Promise<boolean> {
  const client = await outsideClient(url);
  try {
    await client.query("reset jit");
    const { rows } = await client.query<{ available: boolean }>("select pg_jit_available() as available");
    return rows[0]!.available;
  } finally {
    await client.end();
  }
}

const longestStartMs = 60_000;

/**
 * Starts a new cluster below an empty directory, with every setting as PostgreSQL has it by itself (JIT on). As root, it runs as an ordinary
 * user. It listens on the loopback address alone.
 */
export async function startStockServer(programs: StockPrograms, directory: string): Promise<StockServer> {
  const user = ordinaryUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const as = { cwd: directory, ...user, env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8" } };
  const initdb = ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"];
  const made = spawnSync(join(programs.directory, "initdb"), initdb, { ...as, encoding: "utf8" });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`);
  const port = await freePort();
  const settings = ["-D", data, "-p", String(port), "-k", directory, "-c", "listen_addresses=127.0.0.1"];
  const child = spawn(join(programs.directory, "postgres"), settings, { ...as, stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  await untilReady(url, child);
  return {
    url,
    child,
    async stop() {
      child.kill("SIGINT");
      await exited;
    },
  };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const untilMs = performance.now() + longestStartMs;
  while (child.exitCode === null && performance.now() < untilMs) {
    const answer = await askOutside<{ one: number }>(url, "select 1 as one").catch(() => null);
    if (answer) return;
    await Bun.sleep(50);
  }
  throw new Error(`PostgreSQL did not start (exit code ${child.exitCode})`);
}

/** PostgreSQL refuses to run as root: Debian's own user for it, else nobody. Null: this process is an ordinary user itself. */
function ordinaryUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = ["postgres", "nobody"].map((name) => users.find((each) => each.startsWith(`${name}:`)));
  const [, , uid, gid] = (line.find((each) => each !== undefined) ?? "::65534:65534").split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
