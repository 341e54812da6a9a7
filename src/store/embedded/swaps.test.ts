import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { notRun } from "../../testing/not-run.ts";
import { EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";
import {
  as,
  giveAll,
  nobody,
  openDirectory,
  openToGroup,
  someone,
} from "../../testing/processes/other-users.ts";
import { backup } from "./backup.ts";
import { embeddedSuperuserUrl, embeddedUrl } from "./connection.ts";
import { layoutOf } from "./layout.ts";

/** Root works on a directory in which another user could put one thing in the place of another. */

const timeoutMs = 180_000;
const base = openDirectory("whispr-swaps-");
afterAll(() => rmSync(base, { recursive: true, force: true }), timeoutMs);

test("the address of a database leads nowhere but to a socket, whatever the owner of its directory wrote down", () => {
  const dataDir = join(base, "written");
  const socket = join(dataDir, "s@other/?host=other");
  mkdirSync(dataDir);
  writeFileSync(layoutOf(dataDir).socketRecord, `${socket}\neve@other:5432/x?host=other&y=\u001b[31m\n`);
  for (const url of [embeddedUrl(dataDir), embeddedSuperuserUrl(dataDir)]) {
    expect(url).toMatch(/^postgresql:\/\/whispr@localhost:5432\/\w+\?host=[\w%.-]+$/);
    expect(new URL(url).searchParams.get("host")).toBe(socket);
  }
});

if (process.getuid?.() === 0) describe("as root", asRoot);
else
  test("what another user swaps under root needs root", () =>
    notRun("what another user swaps under root", "only root can start whispr-msg as root"));

async function asRoot(): Promise<void> {
  const directory = await EmbeddedOwner.template(base);

  test(
    "a backup belongs to whoever owns the database that was copied, not to who owns a link to it",
    async () => {
      await using owner = await EmbeddedOwner.start(directory("roots"));
      const theirs = join(base, "theirs");
      mkdirSync(theirs);
      chownSync(theirs, someone, someone);
      as(someone, `ln -s ${owner.dataDir} ${theirs}/data`);
      expect(lstatSync(join(theirs, "data")).uid).toBe(someone);
      const target = join(base, "copy");
      await backup({ dataDir: join(theirs, "data"), target });
      expect([statSync(target).uid, statSync(layoutOf(target).database).uid]).toEqual([0, 0]);
    },
    timeoutMs,
  );

  const openings: [string, (dataDir: string) => void][] = [
    ["anybody", (dataDir) => chmodSync(dataDir, 0o777)],
    ["anybody, with the sticky bit,", (dataDir) => chmodSync(dataDir, 0o1777)],
    ["a group", openToGroup],
  ];
  test.each(openings)(
    "a database in a directory that %s could write is refused, and stays whose it is",
    async (_, open) => {
      const dataDir = directory("open");
      const { database } = layoutOf(dataDir);
      giveAll(database, someone);
      open(dataDir);
      const { mode } = statSync(dataDir);
      // Twice: a refusal must not make the next start believe it.
      for (const _start of [1, 2]) {
        const owner = await EmbeddedOwner.start(dataDir);
        expect(owner.refusal).toMatchObject({ code: "open_directory" });
        expect(owner.refusal?.text).toContain(dataDir);
        expect([statSync(dataDir).mode, statSync(database).uid]).toEqual([mode, someone]);
      }
      rmSync(dataDir, { recursive: true });
    },
    timeoutMs,
  );

  test(
    "an empty directory that anybody may write is closed and used",
    async () => {
      const dataDir = join(base, "empty");
      mkdirSync(dataDir);
      mkdirSync(join(dataDir, "lost+found"));
      chmodSync(dataDir, 0o777);
      await using owner = await EmbeddedOwner.start(dataDir);
      expect(owner.refusal).toBeUndefined();
      expect(statSync(dataDir).mode & 0o777).toBe(0o710);
    },
    timeoutMs,
  );

  test(
    "of what nobody could rename nothing is believed, though root made it",
    async () => {
      const dataDir = directory("renamed");
      const { devKey, socketRecord } = layoutOf(dataDir);
      const victim = join(base, "victim");
      mkdirSync(victim);
      writeFileSync(join(victim, ".s.PGSQL.5432"), "another server's");
      giveAll(dataDir, nobody);
      // Who is PostgreSQL writes what is in it; the file is root's, as is the log that an earlier version opened for it.
      writeFileSync(devKey, "a key that nobody knows");
      writeFileSync(socketRecord, `${victim}\n`);
      const tree = join(dataDir, "postgres-1.0-s1");
      mkdirSync(tree);
      await using owner = await EmbeddedOwner.start(dataDir);
      expect(owner.refusal).toBeUndefined();
      expect([existsSync(devKey), existsSync(tree)]).toEqual([false, false]);
      expect(readdirSync(victim)).toEqual([".s.PGSQL.5432"]);
    },
    timeoutMs,
  );

  test(
    "a database that belongs to another user than its directory is not copied for that user",
    async () => {
      await using owner = await EmbeddedOwner.start(directory("mixed"));
      const link = join(base, "mixed-link");
      symlinkSync(owner.dataDir, link);
      // The group stays PostgreSQL's, which has to get in.
      chownSync(owner.dataDir, someone, statSync(owner.dataDir).gid);
      await expect(backup({ dataDir: link, target: join(base, "mixed-copy") })).rejects.toThrow(
        `${layoutOf(owner.dataDir).database}: belongs to user`,
      );
    },
    timeoutMs,
  );
}
