import { afterAll, beforeAll, expect, test } from "bun:test";
import { StoreUnavailable } from "../core/ports/store-errors.ts";
import { newId, systemClock } from "../system.ts";
import { noteTaker } from "../testing/builders/builders.ts";
import { VirtualClock } from "../testing/clock.ts";
import { eventually } from "../testing/eventually.ts";
import { type Disturbance, databaseLink } from "../testing/processes/database-link.ts";
import { startWriter, type Writer } from "../testing/processes/writer-on-postgres.ts";
import { PostgresBlocks } from "./blocks.ts";
import { changeBlock } from "./change-block.ts";

/** The connection that hears of blocks: lost, silent, or deaf. */

let writer: Writer;
let blocks: PostgresBlocks;
let calls = 0;

beforeAll(async () => {
  writer = await startWriter();
  blocks = new PostgresBlocks({
    settings: writer.database.settings,
    clock: systemClock,
    observer: noteTaker().observer,
  });
  blocks.subscribe(() => calls++);
  await eventually("the first call", () => calls > 0);
}, 120_000);
afterAll(async () => {
  await blocks.stop();
  await writer.close();
});

/** Nobody owns the database here, so that nobody waits. */
const say = (blockerId: string, blockedId: string, isBlocked = true) =>
  changeBlock(
    writer.database.settings.url,
    { blockerId, blockedId, isBlocked, atUs: systemClock.nowUs() },
    1_000,
  );

test("after its connection was lost it listens again, and calls for what it may have missed", async () => {
  const [anna, ben] = [newId(), newId()];
  const before = calls;
  await writer.database.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'whispr-msg blocks' and datname = current_database()",
  );
  await eventually("a call after the connection is back", () => calls > before, 10_000);
  const again = calls;
  await say(anna, ben);
  await eventually("a call for a change", () => calls > again);
});

/** Over a connection that can fall silent, with a heartbeat that the test calls for. */
async function listening(disturb?: (connection: number) => Disturbance) {
  const link = await databaseLink(writer.database.url, disturb);
  const clock = new VirtualClock();
  const { observer, warnings } = noteTaker();
  // A statement without an answer is given up after 1.1 s.
  const settings = { ...writer.database.settings, url: link.url, statementTimeoutMs: 100 };
  const listener = new PostgresBlocks({ settings, clock, observer });
  let called = 0;
  listener.subscribe(() => called++);
  await eventually("the first call", () => called === 1);
  return { link, clock, warnings, listener, called: () => called };
}

test("a connection that falls silent is noticed by its heartbeat and replaced; what was missed is called for", async () => {
  const { link, clock, warnings, listener, called } = await listening();
  link.silenceAll();
  await clock.runFor(10_000);
  await eventually("the call on the next connection", () => called() === 2);
  expect(warnings).toMatchObject([{ event: "block_listener_silent" }]);
  expect(link.made()).toBe(2);
  await say(newId(), newId());
  await eventually("a call for a change", () => called() === 3);
  await listener.stop();
  await link.close();
});

test("a connection that falls silent under a read is replaced, and the next read is answered", async () => {
  const { link, listener, called } = await listening();
  link.silenceAll();
  const error = await listener.pending(null, 1).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect(String((error as StoreUnavailable).cause)).toContain("timeout");
  await eventually("the call on the next connection", () => called() === 2);
  expect(await listener.pending(null, 1)).toBeArray();
  await listener.stop();
  await link.close();
});

test("a session that does not listen is replaced by one that does", async () => {
  const { link, clock, warnings, listener, called } = await listening((number) =>
    number === 1 ? "never listens" : "none",
  );
  await clock.runFor(10_000);
  await eventually("the call on the next connection", () => called() === 2);
  expect(warnings).toMatchObject([
    { event: "block_listener_silent", reason: expect.stringContaining("listens") },
  ]);
  await say(newId(), newId());
  await eventually("a call for a change", () => called() === 3);
  await listener.stop();
  await link.close();
});
