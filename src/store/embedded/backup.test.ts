import { afterAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { notRun } from "../../testing/not-run.ts";
import { EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";
import { openDirectory, someone } from "../../testing/processes/other-users.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { backup } from "./backup.ts";

const base = openDirectory("whispr-backup-");
const timeoutMs = 180_000;
const directory = await EmbeddedOwner.template(base);
const timeline = "SELECT timeline_id AS timeline FROM pg_control_checkpoint()";
afterAll(() => rmSync(base, { recursive: true, force: true }), 180_000);

test(
  "a backup that is taken while rows are written opens as a data directory, whole, on a timeline of its own",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("original"));
    const writing = new AbortController();
    const transfers = await startTransfers(owner, writing.signal);
    const target = join(base, "copy");
    const taken = await backup({ dataDir: owner.dataDir, target });
    writing.abort();
    await transfers.finished;
    expect(taken.directory).toBe(target);
    await using copy = await EmbeddedOwner.start(target);
    expect(copy.refusal).toBeUndefined();
    const [balance] = await copy.ask<{ total: number; moves: number }>(
      "SELECT (SELECT sum(amount)::int FROM accounts) AS total, (SELECT count(*)::int FROM moves) AS moves",
    );
    expect(balance?.total).toBe(0);
    expect(balance?.moves).toBeGreaterThanOrEqual(transfers.before);
    expect(await copy.ask(timeline)).toEqual([{ timeline: 2 }]);
    expect(await owner.ask(timeline)).toEqual([{ timeline: 1 }]);
    await copy.ask("INSERT INTO moves DEFAULT VALUES");
  },
  timeoutMs,
);

test(
  "a copy, which its owner alone can read, can be stopped, opened and backed up again",
  async () => {
    const owner = await EmbeddedOwner.start(directory("again"));
    await owner.ask("CREATE TABLE kept AS SELECT 1 AS one");
    await backup({ dataDir: owner.dataDir, target: join(base, "second") });
    expect(readableByOthers(join(base, "second"))).toEqual([]);
    await owner.say("stop");
    const second = await EmbeddedOwner.start(join(base, "second"));
    await second.say("stop");
    const reopened = await EmbeddedOwner.start(join(base, "second"));
    await backup({ dataDir: reopened.dataDir, target: join(base, "third") });
    await reopened.say("stop");
    await using third = await EmbeddedOwner.start(join(base, "third"));
    expect(await third.ask("SELECT one FROM kept")).toEqual([{ one: 1 }]);
    expect(await third.ask(timeline)).toEqual([{ timeline: 3 }]);
  },
  timeoutMs,
);

test(
  "a backup is refused when nothing runs, and never goes into a directory that holds something or that others may write",
  async () => {
    const idle = join(base, "idle");
    mkdirSync(idle);
    await expect(backup({ dataDir: idle, target: join(base, "nowhere") })).rejects.toThrow(
      "no embedded PostgreSQL runs",
    );
    await using owner = await EmbeddedOwner.start(directory("target"));
    const full = join(base, "full");
    mkdirSync(full);
    writeFileSync(join(full, "precious"), "");
    await expect(backup({ dataDir: owner.dataDir, target: full })).rejects.toThrow("is not empty");
    expect(readdirSync(full)).toEqual(["precious"]);
    const inside = join(owner.dataDir, "data", "copy");
    await expect(backup({ dataDir: owner.dataDir, target: inside })).rejects.toThrow("lies in the directory");
    const open = join(base, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    await expect(backup({ dataDir: owner.dataDir, target: open })).rejects.toThrow(
      "may be written by others",
    );
    await expect(backup({ dataDir: owner.dataDir, target: join(open, "below") })).rejects.toThrow(
      "may be written by anybody",
    );
    expect(readdirSync(open)).toEqual([]);
  },
  timeoutMs,
);

test(
  "a backup that was cut short is never taken for an empty database",
  async () => {
    const target = join(base, "unfinished");
    mkdirSync(join(target, "backup.unfinished"), { recursive: true });
    const owner = await EmbeddedOwner.start(target);
    expect(owner.refusal?.code).toBe("foreign_directory");
  },
  timeoutMs,
);

const asRoot = process.getuid?.() === 0;
const what = "where a user without a name serves, a backup by root is refused with who can make it";
if (asRoot) test(what, refusedToRoot, timeoutMs);
else test(what, () => notRun(what, "only root can start a process of such a user"));

async function refusedToRoot(): Promise<void> {
  const dataDir = join(base, "nameless");
  mkdirSync(dataDir, { mode: 0o700 });
  chownSync(dataDir, someone, someone);
  const user = ["setpriv", `--reuid=${someone}`, `--regid=${someone}`, "--clear-groups"];
  await using owner = await EmbeddedOwner.start(dataDir, user);
  if (owner.refusal?.code === "no_usable_uid") return notRun(what, owner.refusal.text ?? "");
  await expect(backup({ dataDir, target: join(base, "of-nameless") })).rejects.toThrow(
    `does not let user 0 in. Run this command as the user that serves it (${someone}).`,
  );
}

function readableByOthers(target: string): readonly string[] {
  const below = readdirSync(target, { recursive: true, encoding: "utf8" });
  return ["", ...below].filter((name) => (statSync(join(target, name)).mode & 0o077) !== 0);
}

/** Two clients move money between accounts, one transaction after the other: the sum is 0 at every moment. */
async function startTransfers(
  owner: EmbeddedOwner,
  over: AbortSignal,
): Promise<{ before: number; finished: Promise<unknown> }> {
  await owner.ask("CREATE TABLE accounts AS SELECT n AS id, 0 AS amount FROM generate_series(1, 2000) n");
  await owner.ask(
    "CREATE TABLE moves (at timestamptz DEFAULT now(), filling text DEFAULT repeat('x', 4000))",
  );
  const clients = await Promise.all([connect(owner), connect(owner)]);
  await Promise.all(clients.map(transfer));
  const running = clients.map(async (client): Promise<void> => {
    while (!over.aborted) await transfer(client);
    await client.end();
  });
  return { before: clients.length, finished: Promise.all(running) };
}

async function connect(owner: EmbeddedOwner): Promise<pg.Client> {
  const client = await outsideClient(owner.url);
  return client;
}

async function transfer(client: pg.Client): Promise<void> {
  const account = () => 1 + Math.floor(Math.random() * 2000);
  await client.query("BEGIN");
  // In the order of their numbers, so that two clients never wait for each other.
  const [low, high] = [account(), account()].sort((one, other) => one - other);
  await client.query("UPDATE accounts SET amount = amount - 1 WHERE id = $1", [low]);
  await client.query("UPDATE accounts SET amount = amount + 1 WHERE id = $1", [high]);
  await client.query("INSERT INTO moves DEFAULT VALUES");
  await client.query("COMMIT");
}
