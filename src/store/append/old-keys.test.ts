import { afterEach, beforeEach, expect, test } from "bun:test";
import { eventually } from "../../testing/eventually.ts";
import {
  type MigratedDatabase,
  migratedDatabase,
  type Node,
  startNode,
  type Talk,
} from "../../testing/model/engine-on-postgres.ts";
import { expectNothingLost, sendSteadily, sentOf } from "../../testing/play/steady-load.ts";

/** Keys that actors have forgotten, which the index still knows. */

let database: MigratedDatabase;
let node: Node;

beforeEach(async () => {
  database = await migratedDatabase();
  node = startNode(database.settings);
  await node.owns();
}, 120_000);

afterEach(async () => {
  await node.stop();
  await database.close();
}, 120_000);

async function talks(count: number): Promise<readonly Talk[]> {
  return Promise.all(Array.from({ length: count }, () => node.aTalk()));
}

test("I3 I10: a client_random 5,000 messages old, sent again 100 times, gives 100 times the first message; others notice nothing", async () => {
  const [hot, ...bystanders] = await talks(10);
  const own = { conversationId: hot!.id, senderId: hot!.anna };
  const first = await node.send({ ...own, clientRandom: 0, content: "the first" });
  if (first.type !== "done") throw new Error("the first was not stored");
  await Promise.all(
    Array.from({ length: 5_000 }, (_, index) => node.send({ ...own, clientRandom: index + 1 })),
  );
  const sending = sendSteadily(bystanders, () => node);
  await eventually("bystanders write", () => sending.count() > 20);
  const before = { failed: node.notes.failedBatches.length, bystanders: sending.count() };
  for (let time = 0; time < 50; time++) {
    const outcome = await node.send({ ...own, clientRandom: 0, content: "again" });
    expect(outcome).toMatchObject({
      type: "duplicate",
      differs: true,
      message: { id: sentOf(first).id, seq: 1 },
    });
  }
  const together = await Promise.all(
    Array.from({ length: 50 }, () => node.send({ ...own, clientRandom: 0, content: "the first" })),
  );
  for (const outcome of together)
    expect(outcome).toMatchObject({
      type: "duplicate",
      differs: false,
      message: { id: sentOf(first).id },
    });
  await eventually("bystanders write on", () => sending.count() > before.bystanders + 20);
  await sending.stop();
  expect(sending.refused).toEqual([]);
  expect(node.notes.failedBatches.length - before.failed).toBeLessThanOrEqual(1);
  await expectNothingLost(database, sending.acknowledged);
}, 180_000);

test("I10: 300 different old keys in a storm cost a handful of failed batches, not one each", async () => {
  const [hot] = await talks(1);
  const own = { conversationId: hot!.id, senderId: hot!.anna };
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => node.send({ ...own, clientRandom: index })));
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, (_, index) => node.send({ ...own, clientRandom: index })),
  );
  expect(outcomes.map((outcome) => outcome.type === "duplicate" && outcome.message.seq)).toEqual(
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
  expect(node.notes.failedBatches.length).toBeLessThanOrEqual(5);
}, 120_000);

test("I3: after 24 hours, and not before, a client_random is free again, also when only the database remembers it", async () => {
  const [talk] = await talks(1);
  const own = { conversationId: talk!.id, senderId: talk!.anna };
  await node.send({ ...own, clientRandom: 7, content: "yesterday" });
  await Promise.all(
    Array.from({ length: 400 }, (_, index) => node.send({ ...own, clientRandom: 100 + index })),
  );
  const age = (interval: string) =>
    database.sql("update messages set sent_at = now() - $1::interval where seq = 1", [interval]);
  await age("23 hours 59 minutes");
  expect(await node.send({ ...own, clientRandom: 7, content: "today" })).toMatchObject({
    type: "duplicate",
    message: { seq: 1, content: "yesterday" },
  });
  await node.stop();
  node = startNode(database.settings);
  await node.owns();
  await age("24 hours 1 second");
  const fresh = await node.send({ ...own, clientRandom: 7, content: "today" });
  expect(fresh).toMatchObject({ type: "done", events: [{ seq: 402, content: "today", releasesKeyOf: 1 }] });
  const again = await node.send({ ...own, clientRandom: 7, content: "today" });
  expect(again).toMatchObject({ type: "duplicate", message: { seq: 402 }, differs: false });
}, 120_000);
