import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type pg from "pg";
import { archiveName, treeNamePattern } from "../../store/embedded/carried.ts";
import { holdersOf, signalAll } from "../../store/embedded/holders.ts";
import { layoutOf } from "../../store/embedded/layout.ts";
import { eventually } from "../eventually.ts";
import { askOutside } from "./outside.ts";

export interface OwnerEvent {
  readonly event: string;
  readonly url?: string;
  readonly superuserUrl?: string;
  readonly tookMs?: number;
  readonly code?: string;
  readonly text?: string;
}

/** A process that owns an embedded PostgreSQL, with the verbs of what can happen to it. */
export class EmbeddedOwner {
  readonly events: OwnerEvent[] = [];
  readonly dataDir: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #over = false;

  private constructor(dataDir: string, child: ChildProcess) {
    this.dataDir = dataDir;
    this.#child = child;
    if (child.stdout !== null)
      createInterface(child.stdout).on("line", (line) => this.events.push(JSON.parse(line)));
    // Its output is read to the end, also when it has ended already.
    this.#ended = new Promise((resolve) => child.once("close", () => resolve(this.#end())));
  }

  /** Started, not yet ready. `prefix` stands before the command, for another user or another view of the file systems. */
  static spawn(dataDir: string, prefix: readonly string[] = []): EmbeddedOwner {
    const script = join(import.meta.dir, "embedded-process.ts");
    const owner =
      prefix.length === 0 ? [process.execPath, script] : [...prefix, ownerForOthers(dirname(dataDir))];
    const [program = "", ...rest] = [...owner, dataDir];
    const stdio = ["pipe" as const, "pipe" as const, "inherit" as const];
    // Another user may not be let into the directory where the tests run.
    return new EmbeddedOwner(dataDir, spawn(program, rest, { detached: true, stdio, cwd: "/" }));
  }

  static async start(dataDir: string, prefix: readonly string[] = []): Promise<EmbeddedOwner> {
    const owner = EmbeddedOwner.spawn(dataDir, prefix);
    await owner.outcome();
    return owner;
  }

  /**
   * Gives copies of a data directory that was started and stopped once, so that a test is spared `initdb`. Their parent is
   * `base`; without a name, the directory does not exist yet.
   */
  static async template(base: string): Promise<(name: string) => string> {
    const original = join(base, "template");
    await (await EmbeddedOwner.start(original)).say("stop");
    return (name) => {
      const directory = join(base, name);
      mkdirSync(directory, { mode: 0o700 });
      for (const entry of readdirSync(original)) copyEntry(join(original, entry), directory);
      return directory;
    };
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get url(): string {
    return this.started?.url ?? "";
  }

  get superuserUrl(): string {
    return this.started?.superuserUrl ?? "";
  }

  get started(): OwnerEvent | undefined {
    return this.events.find(({ event }) => event === "started");
  }

  get refusal(): OwnerEvent | undefined {
    return this.events.find(({ event }) => event === "refused");
  }

  /** Ready or refused. */
  outcome(): Promise<void> {
    const decided = () => this.started !== undefined || this.refusal !== undefined || this.#over;
    return eventually("the embedded PostgreSQL is ready or refused", decided);
  }

  count(event: string): number {
    return this.events.filter((told) => told.event === event).length;
  }

  /** Nothing else than the owner: what it started stays. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** The owner and all that descends from it, as one by one as a machine can. */
  async killWithDescendants(): Promise<void> {
    const pids = [this.pid, ...descendantsOf(this.pid), ...this.postgresPids()];
    signalAll(pids, "SIGKILL");
    await this.#ended;
    await eventually("the descendants are gone", () => {
      signalAll(this.postgresPids(), "SIGKILL");
      return this.postgresPids().length === 0;
    });
  }

  /** A signal to the whole process group, as Ctrl-C sends it. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  async say(word: "stop" | "exit" | "fall"): Promise<void> {
    this.#child.stdin?.write(`${word}\n`);
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) await this.say("stop");
  }

  postgresPids(): readonly number[] {
    return holdersOf(layoutOf(this.dataDir).postgresLock);
  }

  get postmasterPid(): number {
    return Number(
      readFileSync(join(layoutOf(this.dataDir).database, "postmaster.pid"), "utf8").split("\n")[0],
    );
  }

  async ask<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
    return ask<Row>(this.url, text);
  }

  #end(): void {
    this.#over = true;
  }
}

/**
 * Builds, once per directory, the owner as one executable that any user may run: the checkout may lie below a directory that only its own user
 * may enter.
 */
function ownerForOthers(directory: string): string {
  const program = join(directory, "owner-for-others");
  if (existsSync(program)) return program;
  const archive = join(directory, archiveName);
  const script = join(import.meta.dir, "embedded-process.ts");
  runOwn(join(import.meta.dir, "../../../cli/pack-postgres.ts"), directory);
  runOwn("build", "--compile", script, "--asset", archive, "--outfile", program);
  rmSync(archive);
  return program;
}

function runOwn(...args: string[]): void {
  const ran = spawnSync(process.execPath, args, { cwd: "/", encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`bun ${args[0]} failed: ${ran.stderr}`);
}

/** The programs are never written, so links will do; 45 MB of them would cost more than the start itself. */
function copyEntry(path: string, directory: string): void {
  const how = treeNamePattern.test(basename(path)) ? ["--archive", "--link"] : ["--archive"];
  const copied = spawnSync("cp", [...how, path, directory], { encoding: "utf8" });
  if (copied.status !== 0) throw new Error(copied.stderr);
}

export const ask = askOutside;

function descendantsOf(pid: number): readonly number[] {
  const children = readdirSync("/proc")
    .map(Number)
    .filter((other) => other > 0 && parentOf(other) === pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch {
    return 0;
  }
}
