import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { newId, systemClock } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { aBatch } from "../../testing/builders/changes.ts";
import { someHealth } from "../../testing/builders/store-health.ts";
import { eventually } from "../../testing/eventually.ts";
import {
  type MigratedDatabase,
  migratedDatabase,
  startNode,
} from "../../testing/model/engine-on-postgres.ts";
import { type DatabaseLink, databaseLink } from "../../testing/processes/database-link.ts";
import { PostgresCommit } from "../append/append.ts";
import { AdvisoryOwnership } from "../ownership/advisory-ownership.ts";
import type { DatabaseSettings } from "./database.ts";

let database: MigratedDatabase;

beforeAll(async () => {
  database = await migratedDatabase();
}, 120_000);

afterAll(() => database.close());

/** A question without an answer is given up after 1,100 ms. */
function settingsOver(link: DatabaseLink): DatabaseSettings {
  return { ...database.settings, url: link.url, statementTimeoutMs: 100 };
}

async function owned(settings: DatabaseSettings): Promise<void> {
  const ownership = new AdvisoryOwnership({
    settings,
    nodeId: newId(),
    binary: "0.0.0",
    clock: systemClock,
    observer: noteTaker().observer,
    health: someHealth(),
  });
  ownership.start();
  try {
    await eventually("it owns the database", () => ownership.isOwner);
  } finally {
    await ownership.stop();
  }
}

test("a connection that falls silent before it has the lock is given up for another", async () => {
  const link = await databaseLink(database.url, (number) => (number === 1 ? "silent" : "none"));
  await owned(settingsOver(link));
  // On a busy machine a good one may be given up as well.
  expect(link.made()).toBeGreaterThanOrEqual(2);
  await link.close();
});

test("a connection that ends in the breath in which it was made is given up for another", async () => {
  const link = await databaseLink(database.url, (number) => (number === 1 ? "ends at once" : "none"));
  await owned(settingsOver(link));
  await link.close();
});

test("I1: every connection falls silent at once under an owner: others are made, and what was sent is answered", async () => {
  const link = await databaseLink(database.url);
  const node = startNode(settingsOver(link));
  await node.owns();
  const { id, anna } = await node.aTalk();
  const send = () => node.send({ conversationId: id, senderId: anna });
  expect(await send()).toMatchObject({ type: "done" });
  link.silenceAll();
  expect(await send()).toMatchObject({ type: "done", events: [{ seq: 2 }] });
  await node.stop();
  await link.close();
}, 180_000);

test("after a failover: a connection that leads to where nothing can be written is given up for another", async () => {
  const { url } = database;
  const name = new URL(url).pathname.slice(1);
  await database.sql(`alter database ${name} set default_transaction_read_only = on`);
  const commit = new PostgresCommit({ settings: database.settings, onLost: () => {} });
  const ownership = new AdvisoryOwnership({
    settings: database.settings,
    nodeId: newId(),
    binary: "0.0.0",
    clock: systemClock,
    observer: noteTaker().observer,
    health: someHealth(),
  });
  ownership.start();
  expect(await commit.append(aBatch({}), () => 0)).toMatchObject({ type: "again" });
  await eventually("it says what it waits for", () => ownership.waitsFor?.includes("read-only") ?? false);
  const writer = new pg.Client({ connectionString: url, options: "-c default_transaction_read_only=off" });
  await writer.connect();
  await writer.query(`alter database ${name} reset default_transaction_read_only`);
  await writer.end();
  await eventually("it owns the database", () => ownership.isOwner);
  expect(await commit.append(aBatch({}), () => 0)).toMatchObject({ type: "stored" });
  await ownership.stop();
  await commit.close();
});
