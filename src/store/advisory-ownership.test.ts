import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId, systemClock } from "../system.ts";
import { noteTaker } from "../testing/builders.ts";
import { type MigratedDatabase, migratedDatabase } from "../testing/engine-on-postgres.ts";
import { eventually } from "../testing/eventually.ts";
import { AdvisoryOwnership } from "./advisory-ownership.ts";

let database: MigratedDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
}, 30_000);
afterAll(() => database.close());

function anOwner(): AdvisoryOwnership {
  const { observer } = noteTaker();
  return new AdvisoryOwnership({
    settings: database.settings,
    nodeId: newId(),
    clock: systemClock,
    observer,
  });
}

async function connections(): Promise<number> {
  const rows = await database.sql(
    "select 1 from pg_stat_activity where datname = current_database() and application_name = 'whispr-msg owner'",
  );
  return rows.length;
}

test("I12: a stop leaves no connection and no lock behind, at whatever moment of the start it comes", async () => {
  for (const turns of [0, 1, 5, 20, 100]) {
    const owner = anOwner();
    owner.start();
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await owner.stop();
    expect(owner.isHeld()).toBe(false);
  }
  await eventually("every connection is closed", async () => (await connections()) === 0);
});

test("I4: many processes that start at once: exactly one owns, and each end hands over to one other", async () => {
  const owners = Array.from({ length: 4 }, anOwner);
  for (const owner of owners) owner.start();
  const holding = () => owners.filter((owner) => owner.isHeld());
  for (let left = 4; left > 0; left--) {
    await eventually("somebody owns", () => holding().length > 0);
    const [holder, ...others] = holding();
    expect(others).toEqual([]);
    await holder!.stop();
  }
});

test("I4: shards that are renewed get epochs above every earlier one, and without the lock nothing is renewed", async () => {
  const owner = anOwner();
  await expect(owner.renew([1])).rejects.toThrow("does not hold");
  owner.start();
  await eventually("it owns", () => owner.isHeld());
  const before = [7, 8, 9].map((shard) => owner.epochOf(shard));
  expect(await owner.renew([7, 9])).toEqual(new Set([7, 9]));
  expect([7, 8, 9].map((shard) => owner.epochOf(shard))).toEqual([
    before[0]! + 1,
    before[1]!,
    before[2]! + 1,
  ]);
  await owner.stop();
});

test("I4: when owner and standby lose their connections, exactly one of them owns again by itself", async () => {
  const [owner, standby] = [anOwner(), anOwner()];
  owner.start();
  await eventually("it owns", () => owner.isHeld());
  standby.start();
  await eventually("the other stands by", () => standby.waitsFor?.includes("stands by") === true);
  await database.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'whispr-msg owner'",
  );
  await eventually("one of them owns", () => owner.isHeld() !== standby.isHeld());
  await Promise.all([owner.stop(), standby.stop()]);
});
