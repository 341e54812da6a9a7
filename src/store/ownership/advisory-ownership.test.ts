import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Clock } from "../../core/ports/clock.ts";
import { newId, systemClock } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { eventually } from "../../testing/eventually.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/model/engine-on-postgres.ts";
import { databaseLink } from "../../testing/processes/database-link.ts";
import { StoreHealth } from "../connections/health.ts";
import { AdvisoryOwnership } from "./advisory-ownership.ts";
import { ownershipContract } from "./contract.ts";

let database: MigratedDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
}, 120_000);
afterAll(() => database.close());

function anOwner(given: { readonly clock?: Clock; readonly url?: string } = {}): AdvisoryOwnership {
  return watchedOwner(given).owner;
}

/** `patienceMs`: how long the driver itself waits for an answer. */
function watchedOwner(
  given: { readonly clock?: Clock; readonly url?: string; readonly patienceMs?: number } = {},
) {
  const {
    clock = systemClock,
    url = database.url,
    patienceMs = database.settings.statementTimeoutMs,
  } = given;
  const notes = noteTaker();
  const settings = { ...database.settings, url, statementTimeoutMs: patienceMs };
  const { observer } = notes;
  let answered = 0;
  const counting = { ...noteTaker().observer, storeAnswered: () => void answered++ };
  const health = new StoreHealth({ clock, observer: counting });
  const identity = { nodeId: newId(), binary: "0.0.0" };
  const owner = new AdvisoryOwnership({ settings, ...identity, clock, observer, health });
  const changes: (boolean | "new history" | "resumed")[] = [];
  owner.onResumed(() => changes.push("resumed"));
  owner.onChange((_, held) => changes.push(held));
  owner.onNewHistory(() => changes.push("new history"));
  return {
    owner,
    changes,
    notes,
    pings: () => answered,
    warned: () => notes.warnings.map(({ event }) => event),
  };
}

async function connections(): Promise<number> {
  const rows = await database.sql(
    "select 1 from pg_stat_activity where datname = current_database() and application_name = 'whispr-msg owner'",
  );
  return rows.length;
}

async function endOwnersSession(): Promise<void> {
  await database.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'whispr-msg owner'",
  );
}

test("I12: a stop leaves no connection and no lock behind, at whatever moment of the start it comes", async () => {
  for (const turns of [0, 1, 5, 20, 100]) {
    const owner = anOwner();
    owner.start();
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await owner.stop();
    expect(owner.isOwner).toBe(false);
  }
  await eventually("every connection is closed", async () => (await connections()) === 0);
});

test("I4: many processes that start at once: exactly one owns, and each end hands over to one other", async () => {
  const owners = Array.from({ length: 4 }, () => anOwner());
  for (const owner of owners) owner.start();
  const holding = () => owners.filter((owner) => owner.isOwner);
  for (let left = 4; left > 0; left--) {
    await eventually("somebody owns", () => holding().length > 0);
    const [holder, ...others] = holding();
    expect(others).toEqual([]);
    await holder!.stop();
  }
});

describe("the advisory lock", () => {
  ownershipContract(async () => {
    const owner = anOwner();
    return {
      ownership: owner,
      begin: () => owner.start(),
      takeAway: endOwnersSession,
      raiseEpochs: async (shards) => {
        await database.sql("update conversation_ownership set epoch = epoch + 1 where shard = any($1)", [
          shards,
        ]);
      },
      storedEpochs: async () => {
        const rows = await database.sql("select shard, epoch from conversation_ownership");
        return new Map(rows.map(({ shard, epoch }) => [Number(shard), Number(epoch)]));
      },
      stop: () => owner.stop(),
    };
  });
});

test("I4: when owner and standby lose their connections, exactly one of them owns again by itself", async () => {
  const [owner, standby] = [anOwner(), anOwner()];
  owner.start();
  await eventually("it owns", () => owner.isOwner);
  standby.start();
  await eventually("the other stands by", () => standby.waitsFor?.includes("stands by") === true);
  await endOwnersSession();
  await eventually("one of them owns", () => owner.isOwner !== standby.isOwner);
  await Promise.all([owner.stop(), standby.stop()]);
});

test("I4 E2: a process that was paused does not hold the right from the moment it wakes, until its session has answered again", async () => {
  let pausedMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + pausedMs };
  const { owner, changes, warned } = watchedOwner({ clock });
  owner.start();
  await eventually("it owns", () => owner.isOwner);
  pausedMs += 10_000;
  expect([owner.isOwner, changes]).toEqual([false, [true]]);
  await eventually("it may serve again", () => owner.isOwner);
  expect([changes, owner.waitsFor, warned()]).toEqual([[true, "resumed"], null, []]);
  await owner.stop();
});

test("I4 E11: a connection that is open and says nothing is not proof of the right: it lapses within seconds, and the lock is given up", async () => {
  const link = await databaseLink(database.url);
  const { owner, changes } = watchedOwner({ url: link.url, patienceMs: 10 * 60_000 });
  owner.start();
  await eventually("it owns", () => owner.isOwner);
  link.cut();
  const cutMs = performance.now();
  await eventually("the right to lapse", () => !owner.isOwner, 30_000);
  expect(performance.now() - cutMs).toBeGreaterThan(2_000);
  expect(owner.waitsFor).toContain("no answer for 3 s");
  const standby = anOwner();
  standby.start();
  await eventually("another process owns", () => standby.isOwner, 30_000);
  expect(changes).toEqual([true, false]);
  await Promise.all([owner.stop(), standby.stop()]);
  await link.close();
}, 180_000);

test("A7: what a process waits for is said once at warn, and again after a minute, however often it tries", async () => {
  const owner = anOwner();
  owner.start();
  await eventually("it owns", () => owner.isOwner);
  const clock = new VirtualClock();
  const { owner: standby, notes, pings } = watchedOwner({ clock });
  const retry = async (afterMs: number) => {
    const before = pings();
    await clock.runFor(afterMs);
    await eventually("another try", () => pings() > before);
  };
  standby.start();
  await eventually("it has said so", () => notes.warnings.length > 0);
  for (let tries = 0; tries < 10; tries++) await retry(200);
  const waiting = {
    event: "ownership_waiting",
    reason: expect.stringContaining("waits for another process"),
  };
  expect(notes.warnings).toEqual([waiting]);
  await retry(60_000);
  await eventually("it says so again", () => notes.warnings.length > 1);
  expect(notes.warnings).toEqual([waiting, waiting]);
  await Promise.all([owner.stop(), standby.stop()]);
});

test("E3: a generation that somebody else began is another history: the owner says so within its next question, and goes on", async () => {
  const { owner, changes } = watchedOwner();
  owner.start();
  await eventually("it owns", () => owner.isOwner);
  await database.sql("update store_generation set generation = generation + 1");
  await eventually("it notices", () => changes.includes("new history"));
  expect([changes, owner.isOwner]).toEqual([[true, "new history"], true]);
  await owner.stop();
});

test("E3: another history that was found by a take-over is announced before the right is gained", async () => {
  const { owner, changes } = watchedOwner();
  owner.start();
  await eventually("it owns", () => owner.isOwner);
  await database.sql("update store_generation set generation = generation + 1");
  await endOwnersSession();
  await eventually("it owns again", () => changes.length >= 4 && owner.isOwner);
  expect(changes).toEqual([true, false, "new history", true]);
  await owner.stop();
});
