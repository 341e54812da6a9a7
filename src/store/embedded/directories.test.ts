import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";
import { openDirectory } from "../../testing/processes/other-users.ts";
import { layoutOf } from "./layout.ts";
import { mountOf } from "./mount.ts";
import { recordedPlace } from "./socket-directory.ts";

const base = openDirectory("whispr-places-");
const timeoutMs = 180_000;
const directory = await EmbeddedOwner.template(base);
const asRoot = process.getuid?.() === 0;
afterAll(() => rmSync(base, { recursive: true, force: true }), 180_000);

test(
  "a path of 120 characters works, with the socket in a short directory",
  async () => {
    const dataDir = directory("l".repeat(119 - base.length));
    expect(dataDir.length).toBe(120);
    const owner = await EmbeddedOwner.start(dataDir);
    expect(owner.refusal).toBeUndefined();
    const socketDirectory = recordedPlace(layoutOf(dataDir))?.directory ?? "";
    expect(socketDirectory.length).toBeLessThan(94);
    expect(await owner.ask("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await owner.kill();
    await using next = await EmbeddedOwner.start(dataDir);
    expect(await next.ask("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  },
  timeoutMs,
);

test(
  "a path with a blank, a comma and letters beyond ASCII works",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("données, à moi"));
    expect(owner.refusal).toBeUndefined();
    expect(await owner.ask("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  },
  timeoutMs,
);

test(
  "PostgreSQL never runs as root, also below directories that only root may enter, or the refusal names them",
  async () => {
    const closed = join(base, "closed");
    mkdirSync(closed, { mode: 0o700 });
    const dataDir = join(closed, "data");
    const owner = await EmbeddedOwner.start(dataDir);
    if (owner.refusal !== undefined) {
      expect(owner.refusal.code).toBe("closed_directory");
      expect(owner.refusal.text).toContain(dataDir);
      return;
    }
    expect(await owner.ask("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await owner.say("stop");
  },
  timeoutMs,
);

test(
  "a database keeps working when its directory is opened or closed to others between two starts",
  async () => {
    const parent = join(base, "changing");
    mkdirSync(parent, { mode: 0o755 });
    const dataDir = directory("changing/data");
    const first = await EmbeddedOwner.start(dataDir);
    await first.ask("CREATE TABLE kept AS SELECT 1 AS one");
    await first.say("stop");
    for (const mode of [0o700, 0o755]) {
      chmodSync(parent, mode);
      const next = await EmbeddedOwner.start(dataDir);
      expect(await next.ask("SELECT one FROM kept")).toEqual([{ one: 1 }]);
      await next.say("stop");
    }
  },
  timeoutMs,
);

test(
  "a directory that nobody served is root's when root starts it, and PostgreSQL runs as neither",
  async () => {
    const dataDir = join(base, "owned");
    mkdirSync(dataDir, { mode: 0o700 });
    const prefix = asRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    if (asRoot) chownSync(dataDir, 65_534, 65_534);
    const plain = await EmbeddedOwner.start(dataDir, prefix);
    expect(plain.refusal).toBeUndefined();
    await plain.ask("CREATE TABLE kept AS SELECT 1 AS one");
    await plain.say("stop");
    await using next = await EmbeddedOwner.start(dataDir);
    expect(await next.ask("SELECT one FROM kept")).toEqual([{ one: 1 }]);
    const uid = statSync(`/proc/${next.postmasterPid}`).uid;
    if (asRoot) expect([0, 65_534]).not.toContain(uid);
    else expect(uid).toBe(statSync(base).uid);
  },
  timeoutMs,
);

test(
  "the database of another major version is refused and not touched",
  async () => {
    const dataDir = join(base, "older");
    mkdirSync(join(dataDir, "data"), { recursive: true });
    writeFileSync(join(dataDir, "data", "PG_VERSION"), "15\n");
    const owner = await EmbeddedOwner.start(dataDir);
    expect(owner.refusal).toMatchObject({
      code: "other_major",
      text: expect.stringContaining("made by PostgreSQL 15"),
    });
    expect(readFileSync(join(dataDir, "data", "PG_VERSION"), "utf8")).toBe("15\n");
  },
  timeoutMs,
);

test(
  "a directory that holds other things is refused and keeps its owner and mode",
  async () => {
    const dataDir = join(base, "home");
    mkdirSync(dataDir, { mode: 0o755 });
    writeFileSync(join(dataDir, ".profile"), "");
    const before = statSync(dataDir);
    const owner = await EmbeddedOwner.start(dataDir);
    expect(owner.refusal).toMatchObject({
      code: "foreign_directory",
      text: expect.stringContaining(dataDir),
    });
    const after = statSync(dataDir);
    expect([after.uid, after.mode]).toEqual([before.uid, before.mode]);
  },
  timeoutMs,
);

test(
  "a file in the place of the directory is refused by name",
  async () => {
    const dataDir = join(base, "file");
    writeFileSync(dataDir, "");
    const owner = await EmbeddedOwner.start(dataDir);
    expect(owner.refusal).toMatchObject({ code: "not_a_directory", text: expect.stringContaining(dataDir) });
  },
  timeoutMs,
);

test(
  "a directory that its user may not write is refused by name",
  async () => {
    const dataDir = join(base, "unwritable");
    mkdirSync(dataDir, { mode: 0o500 });
    const prefix = asRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const owner = await EmbeddedOwner.start(dataDir, prefix);
    expect(owner.refusal).toMatchObject({ code: "not_writable", text: expect.stringContaining(dataDir) });
  },
  timeoutMs,
);

test.each([
  ["noexec", "noexec"],
  ["size=30m", "disk_full"],
  ["size=60m", "disk_full"],
  ["ro", "read_only"],
])(
  "a directory on a file system mounted %s is refused by name",
  async (option, code) => {
    const dataDir = join(base, `mount-${option}`);
    mkdirSync(dataDir);
    const mount = `mount -t tmpfs -o ${option} tmpfs "$0" && exec "$@"`;
    const namespace = ["unshare", "--mount", ...(asRoot ? [] : ["--map-root-user"])];
    const owner = await EmbeddedOwner.start(dataDir, [...namespace, "sh", "-c", mount, dataDir]);
    expect(owner.refusal).toMatchObject({ code, text: expect.stringContaining(dataDir) });
  },
  timeoutMs,
);

test(
  "a directory that ends with its container or machine is named in a warning",
  async () => {
    const volatile = mkdtempSync("/dev/shm/whispr-volatile-");
    expect(mountOf(volatile)?.type).toBe("tmpfs");
    const owner = await EmbeddedOwner.start(volatile);
    const warning = owner.events.find(({ event }) => event === "log");
    expect(warning?.text ?? owner.refusal?.text).toMatch(/forgetful_data_directory|noexec/);
    if (owner.refusal === undefined) await owner.say("stop");
    rmSync(volatile, { recursive: true, force: true });
  },
  timeoutMs,
);
