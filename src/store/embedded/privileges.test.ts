import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { notRun } from "../../testing/not-run.ts";
import { EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";
import {
  as,
  giveAll,
  knock,
  nobody,
  openDirectory,
  openToGroup,
  plantProgram,
  replaceByLink,
  someone,
} from "../../testing/processes/other-users.ts";
import { backup } from "./backup.ts";
import { treeName } from "./carried.ts";
import { layoutOf } from "./layout.ts";
import { recordedPlace } from "./socket-directory.ts";

/** Root starts whispr-msg, and `nobody` wants to become root by what lies in the data directory. */

const timeoutMs = 180_000;
const base = openDirectory("whispr-privileges-");
/** What no user but root may ever get, change or lose. */
const secret = join(base, "secret");
writeFileSync(secret, "root's own\n", { mode: 0o600 });
afterAll(() => rmSync(base, { recursive: true, force: true }), timeoutMs);

if (process.getuid?.() === 0) describe("started as root", startedAsRoot);
else
  test("what root does in a directory that others could write needs root", () =>
    notRun(
      "what root does in a directory that others could write",
      "only root can start whispr-msg as root",
    ));

async function startedAsRoot(): Promise<void> {
  const directory = await EmbeddedOwner.template(base);

  test(
    "only the database and its socket are another user's, who has no other group and is not nobody",
    async () => {
      await using owner = await EmbeddedOwner.start(directory("given"));
      const { database, socket } = layoutOf(owner.dataDir);
      const postgres = statSync(database).uid;
      expect([0, nobody]).not.toContain(postgres);
      const owners = readdirSync(owner.dataDir).map((name) => [
        name,
        lstatSync(join(owner.dataDir, name)).uid,
      ]);
      const given = owners.filter(([, uid]) => uid !== 0);
      expect(given.toSorted()).toEqual([
        [basename(database), postgres],
        [basename(socket), postgres],
      ]);
      expect(statSync(owner.dataDir)).toMatchObject({ uid: 0, gid: postgres });
      expect(statSync(owner.dataDir).mode & 0o777).toBe(0o710);
      const status = readFileSync(`/proc/${owner.postmasterPid}/status`, "utf8");
      expect(status).toMatch(new RegExp(`^Uid:(\\s${postgres}){4}$`, "m"));
      expect(status).toMatch(new RegExp(`^Gid:(\\s${postgres}){4}$`, "m"));
      expect(status).toMatch(/^Groups:\s*$/m);
      expect(status).toMatch(/^CapEff:\s0+$/m);
    },
    timeoutMs,
  );

  test(
    "nobody else may connect to its database, not even the user it runs as",
    async () => {
      await using owner = await EmbeddedOwner.start(directory("peers"));
      const postgres = statSync(layoutOf(owner.dataDir).database).uid;
      const socket = recordedPlace(layoutOf(owner.dataDir))?.directory ?? "";
      for (const role of ["whispr", "whispr_app"]) {
        expect(knock(base, socket, role, postgres)).toContain(
          `Peer authentication failed for user "${role}"`,
        );
        expect(knock(base, socket, role, nobody)).toContain("EACCES");
      }
      expect(await owner.ask("select current_user as who")).toEqual([{ who: "whispr_app" }]);
    },
    timeoutMs,
  );

  test(
    "a umask that closes all to others does not close to PostgreSQL what it needs",
    async () => {
      const parent = join(base, "made-closed");
      const former = process.umask(0o077);
      const owner = EmbeddedOwner.spawn(join(parent, "data"));
      process.umask(former);
      await owner.outcome();
      expect(owner.refusal).toBeUndefined();
      expect(statSync(parent).mode & 0o777).toBe(0o700);
      expect(await owner.ask("select 1 as one")).toEqual([{ one: 1 }]);
      await owner.say("stop");
    },
    timeoutMs,
  );

  test(
    "what nobody put where root writes, reads and runs is removed, and nothing behind it is touched",
    async () => {
      const dataDir = directory("planted");
      const layout = layoutOf(dataDir);
      const [ran, victims] = [join(base, "ran"), join(base, "victims")];
      mkdirSync(victims);
      writeFileSync(join(victims, ".s.PGSQL.5432"), "another server's");
      for (const path of [layout.log, layout.formerLog, layout.ownerLock, layout.postgresLock, layout.devKey])
        replaceByLink(path, secret);
      rmSync(join(dataDir, treeName), { recursive: true });
      plantProgram(join(dataDir, treeName, "bin", "postgres"), ran);
      symlinkSync(victims, join(dataDir, "socket"));
      symlinkSync(victims, join(dataDir, "postgres-17.0-s1"));
      writeFileSync(layout.socketRecord, `${victims}\n`);
      symlinkSync(victims, layout.databaseInWork);
      giveAll(dataDir, nobody);
      await using owner = await EmbeddedOwner.start(dataDir);
      expect(owner.refusal).toBeUndefined();
      expect(await owner.ask("select 1 as one")).toEqual([{ one: 1 }]);
      expectUntouched();
      expect(existsSync(ran)).toBe(false);
      expect(readdirSync(victims)).toEqual([".s.PGSQL.5432"]);
      expect(statSync(victims).uid).toBe(0);
    },
    timeoutMs,
  );

  test(
    "a database that an earlier version gave to nobody is taken over with what is in it",
    async () => {
      const dataDir = directory("former");
      const first = await EmbeddedOwner.start(dataDir);
      await first.ask("create table kept as select 1 as one");
      await first.say("stop");
      giveAll(dataDir, nobody);
      await using owner = await EmbeddedOwner.start(dataDir);
      expect(await owner.ask("select one from kept")).toEqual([{ one: 1 }]);
      expect([statSync(dataDir).uid, statSync(layoutOf(dataDir).database).uid]).not.toContain(nobody);
    },
    timeoutMs,
  );

  const traps: [string, (database: string) => void][] = [
    ["a link in the place of the database", (database) => replaceByLink(database, base)],
    ["a link in the database", (database) => symlinkSync(secret, join(database, "base", "link"))],
    ["a link in the place of a directory", (database) => replaceByLink(join(database, "pg_notify"), base)],
    ["a second name of root's file", (database) => linkSync(secret, join(database, "base", "second"))],
    ["a FIFO", (database) => void spawnSync("mkfifo", [join(database, "pg_stat", "fifo")])],
    ["another user's file", (database) => ofSomeone(join(database, "theirs"))],
  ];
  test.each(traps)(
    "%s is refused by name, and root gives nothing away by it",
    async (what, plant) => {
      const dataDir = directory(what.replaceAll(/\W/g, "-"));
      giveAll(dataDir, nobody);
      const before = statSync(base);
      plant(layoutOf(dataDir).database);
      const owner = await EmbeddedOwner.start(dataDir);
      expect(owner.refusal).toMatchObject({ code: "unsafe_entry" });
      expect(owner.refusal?.text).toContain(layoutOf(dataDir).database);
      expectUntouched();
      expect(statSync(base).uid).toBe(before.uid);
    },
    timeoutMs,
  );

  test(
    "a directory that another user made is refused by name, also in /tmp, and stays as it is",
    async () => {
      const inTmp = mkdtempSync("/tmp/whispr-theirs-");
      const beside = join(base, "theirs");
      mkdirSync(beside, { mode: 0o755 });
      for (const [dataDir, uid] of [
        [inTmp, nobody],
        [inTmp, someone],
        [beside, someone],
      ] as const) {
        writeFileSync(join(dataDir, "owner.lock"), "");
        giveAll(dataDir, uid);
        const owner = await EmbeddedOwner.start(dataDir);
        expect(owner.refusal?.code).toBe("other_owner");
        expect(owner.refusal?.text).toContain(`${dataDir}: belongs to user ${uid}`);
        expect([statSync(dataDir).uid, readdirSync(dataDir)]).toEqual([uid, ["owner.lock"]]);
      }
      rmSync(inTmp, { recursive: true });
    },
    timeoutMs,
  );

  const parents: [string, (parent: string) => void][] = [
    ["that anybody may write", (parent) => chmodSync(parent, 0o777)],
    ["that a group may write", openToGroup],
    ["of another user", (parent) => chownSync(parent, someone, someone)],
  ];
  test.each(parents)(
    "a data directory below one %s is refused by the name of that one",
    async (what, open) => {
      const parent = join(base, what.replaceAll(" ", "-"));
      mkdirSync(parent);
      open(parent);
      const owner = await EmbeddedOwner.start(join(parent, "deep", "data"));
      expect(owner.refusal).toMatchObject({ code: "unsafe_parent", text: expect.stringContaining(parent) });
      expect(readdirSync(parent)).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "a backup holds nothing that PostgreSQL's user linked to, and goes where root alone writes",
    async () => {
      await using owner = await EmbeddedOwner.start(directory("backed-up"));
      const { database } = layoutOf(owner.dataDir);
      const postgres = statSync(database).uid;
      const target = join(base, "copy");
      await backup({ dataDir: owner.dataDir, target: join(base, "good") });
      expect(ownersBelow(join(base, "good"))).toEqual([0]);
      for (const plant of ["ln -s", "ln"]) {
        const link = join(database, "base", "1", plant.replace(" ", ""));
        if (plant === "ln") linkSync(secret, link);
        else as(postgres, `${plant} ${secret} ${link}`);
        await expect(backup({ dataDir: owner.dataDir, target })).rejects.toThrow(`${link}: `);
        expect(readdirSync(target)).toEqual([]);
        rmSync(link);
      }
      chmodSync(target, 0o777);
      await expect(backup({ dataDir: owner.dataDir, target })).rejects.toThrow("may be written by others");
      expectUntouched();
    },
    timeoutMs,
  );

  test(
    "a root that lacks a right which it needs is refused by the name of that right, before anything is given away",
    async () => {
      const dataDir = directory("weak");
      giveAll(dataDir, 0);
      const without = ["setpriv", "--bounding-set=-kill,-chown", "--inh-caps=-kill,-chown"];
      const { refusal } = await EmbeddedOwner.start(dataDir, without);
      expect(refusal?.text).toContain("root lacks CAP_CHOWN, CAP_KILL, which it needs");
      expect(statSync(layoutOf(dataDir).database).uid).toBe(0);
    },
    timeoutMs,
  );

  test(
    "a user who is named for PostgreSQL is taken, and root and nobody are refused",
    async () => {
      const dataDir = directory("named");
      const start = (user: string) => EmbeddedOwner.start(dataDir, ["env", `WHISPR_POSTGRES_USER=${user}`]);
      for (const [user, why] of [
        ["root", "it refuses root"],
        ["nobody", "other services run as nobody"],
        ["nonesuch", "there is no such account"],
      ] as const) {
        const { refusal } = await start(user);
        expect(refusal).toMatchObject({ code: "no_account", text: expect.stringContaining(why) });
      }
      await using owner = await start(String(someone));
      expect(statSync(`/proc/${owner.postmasterPid}`).uid).toBe(someone);
      expect(statSync(layoutOf(dataDir).database).uid).toBe(someone);
    },
    timeoutMs,
  );
}

function expectUntouched(): void {
  expect(readFileSync(secret, "utf8")).toBe("root's own\n");
  const { uid, gid, mode } = statSync(secret);
  expect([uid, gid, mode & 0o777]).toEqual([0, 0, 0o600]);
}

function ofSomeone(path: string): void {
  writeFileSync(path, "");
  chownSync(path, someone, someone);
}

function ownersBelow(directory: string): readonly number[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return [...new Set(entries.map(({ parentPath, name }) => lstatSync(join(parentPath, name)).uid))];
}
