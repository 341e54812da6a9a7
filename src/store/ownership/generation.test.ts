import { afterAll, beforeAll, expect, test } from "bun:test";
import type pg from "pg";
import { newId, systemClock } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { aSending, startUs } from "../../testing/builders/changes.ts";
import { someHealth } from "../../testing/builders/store-health.ts";
import { eventually } from "../../testing/eventually.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { AdvisoryOwnership } from "./advisory-ownership.ts";
import { checkGeneration, newGeneration } from "./generation.ts";

let writer: Writer;
let client: pg.Client;
beforeAll(async () => {
  writer = await startWriter();
  client = await outsideClient(writer.database.url);
}, 120_000);
afterAll(async () => {
  await client.end();
  await writer.close();
});

async function storeGeneration() {
  const [row] = await writer.database.sql(
    "select generation::int, system_identifier as system, timeline::int, started_at::text as started from store_generation",
  );
  return row!;
}

async function restoredRev(id: string): Promise<number> {
  const [row] = await writer.database.sql<{ restored: number }>(
    "select restored_rev::int as restored from conversation_heads where conversation_id = $1",
    [id],
  );
  return row!.restored;
}

async function aLog(length: number): Promise<string> {
  const { id } = await writer.aGroup();
  await writer.append({ changes: Array.from({ length }, (_, index) => aSending(id, index + 1)) });
  return id;
}

const forget = "update store_generation set generation = 1, system_identifier = null, timeline = null";

test("a database that was never looked at is told what it is, and begins no generation", async () => {
  await writer.database.sql(forget);
  const id = await aLog(2);
  expect(await checkGeneration(client, startUs)).toEqual({ generation: 1, isNew: false });
  const [place] = await writer.database.sql(
    "select system_identifier::text as system from pg_control_system()",
  );
  const told = {
    generation: 1,
    system: expect.stringMatching(new RegExp(`^${place!.system}/`)),
    timeline: 1,
  };
  expect(await storeGeneration()).toMatchObject(told);
  expect(await checkGeneration(client, startUs)).toEqual({ generation: 1, isNew: false });
  expect(await restoredRev(id)).toBe(0);
});

test.each([
  ["another system", "system_identifier = '1'"],
  ["another timeline", "timeline = timeline + 1"],
])("%s is another history: the next generation begins at the heads as they are", async (_, change) => {
  const [one, two] = [await aLog(3), await aLog(0)];
  await checkGeneration(client, startUs);
  const before = (await storeGeneration()).generation as number;
  await writer.database.sql(`update store_generation set ${change}`);
  expect(await checkGeneration(client, startUs)).toEqual({ generation: before + 1, isNew: true });
  expect([await restoredRev(one), await restoredRev(two)]).toEqual([3, 0]);
  expect(await checkGeneration(client, startUs)).toEqual({ generation: before + 1, isNew: false });
  await writer.append({ changes: [aSending(one, 4)] });
  expect(await restoredRev(one)).toBe(3);
});

test("a generation that cannot be begun leaves everything as it was", async () => {
  const id = await aLog(2);
  await checkGeneration(client, startUs);
  const before = await storeGeneration();
  await writer.database.sql("update store_generation set system_identifier = '1'");
  await writer.database.sql(
    "alter table conversation_heads add constraint never check (restored_rev = 0) not valid",
  );
  await expect(checkGeneration(client, startUs)).rejects.toThrow("never");
  await writer.database.sql("alter table conversation_heads drop constraint never");
  expect(await storeGeneration()).toEqual({ ...before, system: "1" });
  expect(await restoredRev(id)).toBe(0);
  expect(await checkGeneration(client, startUs)).toMatchObject({ isNew: true });
});

test("after a disk snapshot an operator begins a generation by hand, and the next owner does not begin another", async () => {
  const id = await aLog(2);
  const before = (await checkGeneration(client, startUs)).generation;
  expect(await newGeneration(writer.database.url, startUs)).toBe(before + 1);
  expect(await restoredRev(id)).toBe(2);
  expect(await checkGeneration(client, startUs)).toEqual({ generation: before + 1, isNew: false });
});

test("the owner finds a restored database before it says that it holds the right, and warns of it", async () => {
  const id = await aLog(2);
  await checkGeneration(client, startUs);
  await writer.database.sql("update store_generation set system_identifier = '1'");
  const { observer, warnings } = noteTaker();
  const owner = new AdvisoryOwnership({
    settings: writer.database.settings,
    nodeId: newId(),
    binary: "0.0.0",
    clock: systemClock,
    observer,
    health: someHealth(),
  });
  const restoredAtGain = Promise.withResolvers<Promise<number>>();
  owner.onChange((_, held) => held && restoredAtGain.resolve(restoredRev(id)));
  owner.start();
  expect(await await restoredAtGain.promise).toBe(2);
  await eventually("it owns", () => owner.isOwner);
  expect(warnings.map(({ event }) => event)).toEqual(["store_history_changed"]);
  await owner.stop();
});
