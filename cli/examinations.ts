import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isReadInPlaintext } from "../src/auth/download.ts";
import { type KeySource, readKeys } from "../src/auth/jwks.ts";
import { listed } from "../src/auth/key-set.ts";
import type { Config } from "../src/config.ts";
import { findSessionProblems } from "../src/store/connections/session-checks.ts";
import { embeddedUrl } from "../src/store/embedded/connection.ts";
import { type Mount, mountOf } from "../src/store/embedded/mount.ts";
import { EmbeddedRefusal } from "../src/store/embedded/refusal.ts";
import { pathProblem } from "../src/store/embedded/safe-path.ts";
import { readGeneration } from "../src/store/ownership/generation.ts";
import { migrationStatus } from "../src/store/schema/migrator.ts";
import { type DatabaseFacts, readDatabaseFacts, refusalsOf } from "../src/store/schema/store-checks.ts";
import { systemClock } from "../src/system.ts";
import { explain } from "./explain.ts";
import type { Finding } from "./finding.ts";
import { owners } from "./owner-examinations.ts";
import { adminPort, publicPort } from "./port-examinations.ts";

/** For the sockets, files and database connections of one process; 100,000 sockets need as many descriptors. */
const wantedDescriptors = 65_536;

/** Runs all examinations; each has a result, whatever the others find. */
export async function examinations(config: Config): Promise<readonly Finding[]> {
  const groups = await Promise.all([
    [descriptors(), ...owners(config), clientAddresses(config)],
    config.database.type === "embedded" ? [dataDirectory(config.dataDir)] : [],
    database(config),
    Promise.all([publicPort(config), adminPort(config)]),
    [await keys(config)],
  ]);
  return groups.flat();
}

function descriptors(): Finding {
  const subject = "descriptor limit";
  const limits = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  if (hard === undefined) return { subject, status: "warn", text: "cannot be read on this system" };
  if (hard === "unlimited" || Number(hard) >= wantedDescriptors) return { subject, status: "ok", text: hard };
  const text = `${hard}, so about ${Math.max(0, Number(hard) - 1_000)} sockets per process; raise it (ulimit -Hn, LimitNOFILE=, --ulimit nofile=)`;
  return { subject, status: "warn", text };
}

/** A proxy in front cannot be detected here; the server warns when it sees one (`proxy_not_trusted`). */
function clientAddresses({ trustedProxies }: Config): Finding {
  const subject = "client addresses";
  const text =
    trustedProxies.length > 0
      ? `x-forwarded-for is trusted from ${trustedProxies.join(", ")}`
      : "those that connect; behind a proxy set TRUSTED_PROXIES to its address, else all its clients count as one address";
  return { subject, status: "ok", text };
}

function dataDirectory(dataDir: string): Finding {
  const subject = `data directory ${resolve(dataDir)}`;
  const nearest = nearestExisting(resolve(dataDir));
  const mount = mountOf(realpathSync(nearest));
  const problem = pathProblem(dataDir) ?? unusable(nearest, mount);
  if (problem) return { subject, status: "fail", text: `${problem}; set WHISPR_DATA_DIR` };
  const place = nearest === resolve(dataDir) ? "writable" : `will be made below ${nearest}`;
  return forgetful.has(mount?.type ?? "")
    ? {
        subject,
        status: "warn",
        text: `${place}, on ${mount?.type}: gone when the machine or container is`,
      }
    : { subject, status: "ok", text: place };
}

/** Returns why the directory cannot hold a database, or null if it can. */
function unusable(directory: string, mount: Mount | null): string | null {
  if (!statSync(directory).isDirectory()) return `${directory} is not a directory`;
  if (systemFiles.has(mount?.type ?? "")) return `${directory} is the system's own (${mount?.type})`;
  if (mount?.options.includes("ro")) return `${mount.point} is mounted read-only`;
  if (mount?.options.includes("noexec"))
    return `${mount.point} is mounted noexec: PostgreSQL cannot run there`;
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return null;
  } catch {
    return `${directory} is not writable for this user`;
  }
}

const systemFiles = new Set([
  "proc",
  "sysfs",
  "devpts",
  "cgroup",
  "cgroup2",
  "debugfs",
  "securityfs",
  "mqueue",
]);
const forgetful = new Set(["tmpfs", "ramfs", "overlay"]);

function nearestExisting(path: string): string {
  let nearest = path;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  return nearest;
}

async function database(config: Config): Promise<readonly Finding[]> {
  const url = databaseUrl(config);
  if (url === null) {
    return [
      {
        subject: "database",
        status: "ok",
        text: "the embedded database is not running; start serve or dev to examine it",
      },
    ];
  }
  const found: Finding[] = [];
  try {
    found.push(...settingsOf(await readDatabaseFacts(url)));
    found.push(...(await sessions(url, config)));
    const states = await migrationStatus({ url });
    found.push(schema(states), ...(await generation(url, states)));
  } catch (error) {
    found.push({ subject: "database", status: "fail", text: explain(error, config).text });
  }
  return found;
}

function databaseUrl(config: Config): string | null {
  if (config.database.type === "postgres") return config.database.url;
  try {
    return embeddedUrl(config.dataDir);
  } catch (error) {
    if (error instanceof EmbeddedRefusal) return null;
    throw error;
  }
}

function settingsOf(facts: DatabaseFacts): readonly Finding[] {
  const subject = "database";
  const bad: Finding[] = refusalsOf(facts).map((text) => ({ subject, status: "fail", text }));
  if (bad.length > 0) return bad;
  return [{ subject, status: "ok", text: `PostgreSQL ${facts.version}, durable, UTF8` }, ...standby(facts)];
}

function standby({ settings }: DatabaseFacts): readonly Finding[] {
  if (settings.synchronous_standby_names) return [];
  const text =
    "no synchronous standby: fine alone; a failover to an asynchronous one may lose what was acknowledged last";
  return [{ subject: "database failover", status: "ok", text }];
}

/** Examines sessions of the same kind as those of serve. */
async function sessions(url: string, { connections }: Config): Promise<readonly Finding[]> {
  const subject = "database sessions";
  const problems = await findSessionProblems(url, connections.poolSize);
  if (problems.length === 0)
    return [{ subject, status: "ok", text: "each has its own settings, and may do what serving needs" }];
  return problems.map(({ text, isFatal }) => ({ subject, status: isFatal ? "fail" : "warn", text }));
}

function schema(states: Awaited<ReturnType<typeof migrationStatus>>): Finding {
  const pending = states.filter(({ appliedAt }) => appliedAt === null).length;
  return pending === 0
    ? { subject: "schema", status: "ok", text: "up to date" }
    : {
        subject: "schema",
        status: "warn",
        text: `${pending} migrations pending: whispr-msg migrate up`,
      };
}

/** Examines the generation, once the schema has one. Devices send it back, and start afresh when it is another one. */
async function generation(
  url: string,
  states: Awaited<ReturnType<typeof migrationStatus>>,
): Promise<readonly Finding[]> {
  if (states.some(({ appliedAt }) => appliedAt === null)) return [];
  const found = await readGeneration(url);
  const subject = "generation";
  if (!found) {
    return [{ subject, status: "warn", text: "none: store_generation is empty; the next start fills it" }];
  }
  const text = `${found.generation}, since ${found.since}`;
  if (found.verdict !== "another") return [{ subject, status: "ok", text }];
  const next = `${text}; the database was restored, copied or promoted since it was served last: the next start begins another one, and devices that know more than it does start anew`;
  return [{ subject, status: "warn", text: next }];
}

async function keys({ tokens }: Config): Promise<Finding> {
  const subject = "keys";
  if (!tokens.keys) {
    return {
      subject,
      status: "warn",
      text: "none: serve needs JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE (dev makes its own)",
    };
  }
  try {
    const { keys: found, ignored } = await readKeys(tokens.keys, systemClock);
    const names = found.map(({ algorithm, kid }) => `${algorithm} ${kid ?? "(any key id)"}`).join(", ");
    const doubts = [
      ...(ignored.length > 0 ? [`not used: ${listed(ignored)}`] : []),
      ...(tokens.keys.type === "url" && isReadInPlaintext(tokens.keys.url) ? [plaintextKeys] : []),
    ];
    const text = [names, ...doubts].join("; ");
    return { subject, status: doubts.length > 0 ? "warn" : "ok", text };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { subject, status: "fail", text: `${problem}; ${keysWayOut(tokens.keys)}` };
  }
}

const plaintextKeys =
  "read over http from another machine, where they can be changed on the way: give JWT_JWKS_URL an https address";

function keysWayOut(source: KeySource): string {
  switch (source.type) {
    case "url":
      return `check that ${withoutCredentials(source.url)} can be reached from here and answers with a JWKS, or set JWT_PUBLIC_KEYS_FILE instead`;
    case "file":
      return "give it the path of a readable JWKS or PEM file with the public keys";
    case "given":
      return "start dev again";
  }
}

function withoutCredentials(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
