// From a fresh clone to a running command with nothing but Node and npm: fetches the pinned Bun, checks it against bun.lock, installs the
// dependencies of bun.lock, then hands over. Runs under plain Node 20 (or Bun), so: no TypeScript, no packages.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, ".tools");
const stamp = join(root, "node_modules", ".whispr-installed");
const bunFile = process.platform === "win32" ? "bun.exe" : "bun";
const scripts = { test: "cli/test.ts", check: "cli/check.ts", build: "cli/build.ts" };

function say(text) {
  process.stderr.write(`${text}\n`);
}

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"], ...options });
  if (done.error) return { ok: false, output: `${command}: ${done.error.message}` };
  return { ok: done.status === 0, output: String(done.stderr ?? "").trim() };
}

class Refusal extends Error {}

/** Ends the command with this text, after what is open was put away. */
function fail(text, output) {
  throw new Refusal(output ? `${text}\n${output}` : text);
}

function end(error) {
  say(error instanceof Refusal ? error.message : error.stack);
  process.exit(1);
}

function pinnedBun() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun;
}

/** The npm package that holds Bun for this machine. */
function bunPackage() {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const machine = process.arch === "arm64" ? "aarch64" : process.arch;
  const isMusl = platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `@oven/bun-${platform}-${machine}${isMusl ? "-musl" : ""}`;
}

/** What bun.lock says of that package, as npm writes checksums (`sha512-…`, base64). It came with the sources, not with the download. */
function pinnedChecksum(name, pin) {
  const lines = readFileSync(join(root, "bun.lock"), "utf8").split("\n");
  const line = lines.find((each) => each.trim().startsWith(`"${name}": ["${name}@${pin}",`));
  return (
    /"(sha512-[A-Za-z0-9+/]{86}==)"/.exec(line ?? "")?.[1] ??
    fail(
      `bun.lock has no checksum of ${name} ${pin}: there is no Bun for this machine, or package.json and bun.lock differ (git checkout package.json bun.lock mends the latter).`,
    )
  );
}

/** The program out of npm's archive: blocks of 512 bytes, a header with name and size (octal) before each file. */
function programIn(archive, file) {
  const tar = gunzipSync(archive);
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const text = (from, length) => tar.toString("latin1", at + from, at + from + length).split("\0")[0];
    const size = Number.parseInt(text(124, 12), 8);
    if (text(0, 100) === `package/bin/${file}`) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return fail(`The package of Bun holds no ${file}.`);
}

/** Nothing of what was fetched is run, or even read, before its checksum is the one of bun.lock. */
function fetchBun(pin, program) {
  const name = bunPackage();
  const pinned = pinnedChecksum(name, pin);
  say(`Fetching Bun ${pin} from npm (once, about 50 MB) ...`);
  mkdirSync(tools, { recursive: true });
  const directory = mkdtempSync(join(tools, "fetch-"));
  try {
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const fetched = run(npm, ["pack", `${name}@${pin}`, "--pack-destination", directory, "--silent"]);
    const [file] = readdirSync(directory);
    if (!fetched.ok || !file) fail(`Bun ${pin} could not be fetched with npm.`, fetched.output);
    const archive = readFileSync(join(directory, file));
    refuseOther(archive, pinned, `${name} ${pin}`);
    const draft = join(directory, "program");
    writeFileSync(draft, programIn(archive, bunFile), { mode: 0o755 });
    mkdirSync(dirname(program), { recursive: true });
    renameSync(draft, program);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function refuseOther(archive, pinned, what) {
  const checksum = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  if (checksum === pinned) return;
  fail(
    `What npm fetched as ${what} is not what bun.lock pins, and was not run.
  pinned  ${pinned}
  fetched ${checksum}
Look at the registry or proxy that npm uses (npm config get registry), then start again; npm cache clean --force removes a damaged download.`,
  );
}

function findBun() {
  const pin = pinnedBun();
  if (process.versions.bun === pin) return process.execPath;
  const program = join(tools, `bun-${pin}`, bunFile);
  if (!existsSync(program)) fetchBun(pin, program);
  return program;
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
  child.on("error", (error) => end(new Refusal(`Bun could not be started: ${error.message}`)));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** `npm start` is `dev`, `npm start -- --reset` dev with an option, `npm start -- token …` another command. */
function commandLine(args) {
  return args.length === 0 || args[0].startsWith("-") ? ["dev", ...args] : args;
}

function main() {
  const [command, ...rest] = commandLine(process.argv.slice(2));
  const bun = findBun();
  const script = scripts[command];
  installDependencies(bun, script === undefined);
  handOver(bun, script ? [join(root, script), ...rest] : [join(root, "cli/main.ts"), command, ...rest]);
}

try {
  main();
} catch (error) {
  end(error);
}
