import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A client's program: ready, or why it is not. */
export interface Program {
  readonly name: string;
  readonly command: readonly string[];
}

export type Prepared =
  | Program
  /** This machine has no toolchain for it, or what it is made of cannot be had. */
  | { readonly name: string; readonly notRun: string }
  /** It does not build. */
  | { readonly name: string; readonly broken: string };

/** By the name under which each is installed. */
const npmPackages = {
  "npm phoenix 1.4": "phoenix-1-4",
  "npm phoenix 1.6": "phoenix-1-6",
  "npm phoenix 1.7": "phoenix-1-7",
  "npm phoenix 1.8": "phoenix",
  "npm @supabase/phoenix": "@supabase/phoenix",
};

/** How a program in another language is made in `out`, from sources beside this file. */
interface Recipe {
  readonly name: string;
  readonly sources: string;
  readonly tools: readonly string[];
  /** May need the network. */
  readonly fetch: (out: string) => readonly string[];
  /** May not. */
  readonly build: (out: string) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly command: (out: string) => readonly string[];
}

const ownTools = join(import.meta.dir, "../../../.tools");
const copyJars = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

const recipes: readonly Recipe[] = [
  {
    name: "Go nshafer/phx 0.2.5",
    sources: "go",
    tools: ["go"],
    fetch: () => ["go", "mod", "download"],
    build: (out) => ["go", "build", "-o", join(out, "client"), "."],
    environment: { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly" },
    command: (out) => [join(out, "client")],
  },
  {
    name: "Java JavaPhoenixClient 1.3.1",
    sources: "java",
    tools: ["mvn", "javac", "java"],
    fetch: (out) => [
      "mvn",
      "-q",
      "-B",
      "--strict-checksums",
      copyJars,
      `-DoutputDirectory=${join(out, "jars")}`,
    ],
    build: (out) => ["javac", "-cp", join(out, "jars", "*"), "-d", out, "Client.java"],
    environment: {},
    command: (out) => ["java", "-cp", `${join(out, "jars", "*")}:${out}`, "Client"],
  },
  {
    name: "Rust phoenix_channels_client 0.1.2",
    sources: "rust",
    tools: ["cargo"],
    fetch: () => ["cargo", "fetch", "--locked"],
    build: (out) => ["cargo", "build", "--locked", "--offline", "--target-dir", out],
    // The crate asks for the flag.
    environment: { RUSTFLAGS: "--cfg tokio_unstable", CARGO_PROFILE_DEV_DEBUG: "0", CARGO_INCREMENTAL: "0" },
    command: (out) => [join(out, "debug", "client")],
  },
];

const fetchDeadlineMs = 90_000;
const buildDeadlineMs = 300_000;

/** All of them, one after the other: a build takes every core. What was built before is kept, by its sources. */
export async function preparePrograms(): Promise<readonly Prepared[]> {
  const prepared: Prepared[] = Object.entries(npmPackages).map(([name, installed]) => ({
    name,
    command: [process.execPath, join(import.meta.dir, "npm-client.ts"), installed],
  }));
  for (const recipe of recipes) prepared.push(await prepare(recipe));
  return prepared;
}

async function prepare(recipe: Recipe): Promise<Prepared> {
  const { name } = recipe;
  const missing = recipe.tools.find((tool) => Bun.which(tool) === null);
  if (missing !== undefined) return { name, notRun: `there is no ${missing} here` };
  const sources = join(import.meta.dir, recipe.sources);
  const out = join(cacheDirectory(), `${recipe.sources}-${hashOf(sources)}`);
  if (existsSync(out)) return { name, command: recipe.command(out) };
  const problem = await make(recipe, sources, out);
  return problem === null ? { name, command: recipe.command(out) } : { name, ...problem };
}

type Problem = { readonly notRun: string } | { readonly broken: string };

/** `out` is there only when all of it was made. */
async function make(recipe: Recipe, sources: string, out: string): Promise<Problem | null> {
  const draft = `${out}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const { environment } = recipe;
    const fetched = await run(recipe.fetch(draft), {
      cwd: sources,
      environment,
      deadlineMs: fetchDeadlineMs,
    });
    if (fetched !== null) return { notRun: `what it is made of could not be fetched: ${fetched}` };
    const built = await run(recipe.build(draft), { cwd: sources, environment, deadlineMs: buildDeadlineMs });
    if (built !== null) return { broken: built };
    if (!existsSync(out)) renameSync(draft, out);
    return null;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Null: done. Else the end of what it wrote. */
async function run(
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly deadlineMs: number;
  },
): Promise<string | null> {
  const child = Bun.spawn([...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.deadlineMs,
    killSignal: "SIGKILL",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code === 0) return null;
  return `${command.join(" ")}: ${child.signalCode === "SIGKILL" ? `not done in ${options.deadlineMs} ms` : (out + err).slice(-1_000)}`;
}

function cacheDirectory(): string {
  // Never in /tmp, where another user could have left programs under the name that we look for.
  const home = process.env.HOME === undefined ? ownTools : join(homedir(), ".cache");
  const directory = join(process.env.XDG_CACHE_HOME ?? home, "whispr-msg-test-clients");
  mkdirSync(directory, { recursive: true });
  return directory;
}

function hashOf(directory: string): string {
  const hash = createHash("sha256");
  for (const file of (readdirSync(directory, { recursive: true }) as string[]).sort()) {
    const path = join(directory, file);
    if (statSync(path).isFile()) hash.update(`${file}\0`).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}
