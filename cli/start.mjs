// From a fresh clone to a running command with nothing but Node and npm: fetches the pinned Bun, installs the dependencies of
// bun.lock, then hands over. Runs under plain Node 20 (or Bun), so: no TypeScript, no packages.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, ".tools");
const stamp = join(root, "node_modules", ".whispr-installed");
const scripts = { test: "cli/test.ts", check: "cli/check.ts", build: "cli/build.ts" };

function say(text) {
  process.stderr.write(`${text}\n`);
}

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"], ...options });
  if (done.error) return { ok: false, output: `${command}: ${done.error.message}` };
  return { ok: done.status === 0, output: String(done.stderr ?? "").trim() };
}

function fail(text, output) {
  say(output ? `${text}\n${output}` : text);
  process.exit(1);
}

function pinnedBun() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun;
}

/** The program inside an installed `bun` package, or null: before its postinstall the file is a stub of a few bytes. */
function bunIn(modules, pin) {
  const home = join(modules, "bun");
  try {
    if (JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version !== pin) return null;
    const program = join(home, "bin", "bun.exe");
    return statSync(program).size > 1_000_000 ? program : null;
  } catch {
    return null;
  }
}

function fetchBun(pin) {
  say(`Fetching Bun ${pin} from npm (once, about 40 MB) ...`);
  mkdirSync(tools, { recursive: true });
  const modules = join(tools, "node_modules");
  const wanted = [
    "install",
    "--prefix",
    tools,
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    `bun@${pin}`,
  ];
  const fetched = run(process.platform === "win32" ? "npm.cmd" : "npm", wanted);
  if (!fetched.ok) fail(`Bun ${pin} could not be fetched with npm.`, fetched.output);
  // Some npm settings block postinstall scripts; it only puts the program in its place.
  if (!bunIn(modules, pin))
    run(process.execPath, [join(modules, "bun", "install.js")], { cwd: join(modules, "bun") });
  return (
    bunIn(modules, pin) ??
    fail(`Bun ${pin} was fetched but its program is missing below .tools; remove .tools and try again.`)
  );
}

function findBun() {
  const pin = pinnedBun();
  if (process.versions.bun === pin) return process.execPath;
  return bunIn(join(tools, "node_modules"), pin) ?? fetchBun(pin);
}

/** What an installation depends on; equal: nothing is to be done. */
function wantedInstallation() {
  const hash = createHash("sha256");
  for (const file of ["package.json", "bun.lock"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/**
 * The product alone needs a third of what its tests and checks do: 1.5 s instead of 10 from a registry nearby. Whoever once had
 * everything keeps everything.
 */
function installDependencies(bun, isProductEnough) {
  const wanted = wantedInstallation();
  const [had, extent] = existsSync(stamp) ? readFileSync(stamp, "utf8").split(" ") : [];
  const isAll = extent === "all" || !isProductEnough;
  if (had === wanted && (extent === "all" || isProductEnough)) return;
  say("Installing dependencies (bun.lock) ...");
  const installed = run(bun, ["install", "--frozen-lockfile", ...(isAll ? [] : ["--production"])]);
  if (!installed.ok) fail("The dependencies could not be installed.", installed.output);
  writeFileSync(stamp, `${wanted} ${isAll ? "all" : "product"}`);
}

/**
 * This process (and npm above it) ends when the child has. A Ctrl-C reaches the child several times within milliseconds, from the
 * terminal, npm and here; the server takes that for one.
 */
function handOver(bun, args) {
  const child = spawn(bun, args, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`Bun could not be started: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** `npm start` is `dev`, `npm start -- --reset` dev with an option, `npm start -- token …` another command. */
function commandLine(args) {
  return args.length === 0 || args[0].startsWith("-") ? ["dev", ...args] : args;
}

const [command, ...rest] = commandLine(process.argv.slice(2));
const bun = findBun();
const script = scripts[command];
installDependencies(bun, script === undefined);
handOver(bun, script ? [join(root, script), ...rest] : [join(root, "cli/main.ts"), command, ...rest]);
