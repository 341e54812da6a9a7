import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { phoenixDefaults } from "../phoenix/settings.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture } from "../testing/web/fixture.ts";
import type { Wire } from "../testing/web/wire.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const topic = `user:${ben}`;

let web: Fixture;
let clock: VirtualClock;
let conversationId: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock, isOwner: true });
  await aConversation();
  await web.sent(anna, conversationId, "first");
});
afterEach(() => web.stop());

/** Ben's devices are known, and have confirmed nothing. */
async function aConversation(): Promise<void> {
  conversationId = await web.conversationOf(anna, ben);
  for (const deviceId of ["phone", "tablet"]) await web.store.cursors.register({ userId: ben, deviceId });
}

/** Answers to heartbeats come after all that the server does in the same turn. */
async function turns(wire: Wire): Promise<void> {
  for (let nth = 0; nth < 5; nth++) await wire.push("phoenix", "heartbeat", "{}");
}

async function eventsOf(wire: Wire): Promise<string[]> {
  return (await wire.told(topic)).map(([event]) => event);
}

/** How often a message came on the topic, in whatever event. */
async function timesOf(wire: Wire, content: string): Promise<number> {
  return JSON.stringify(await wire.told(topic)).split(`"content":"${content}"`).length - 1;
}

describe("I5: a backfill that reads a message before its owner tells of it", () => {
  test("goes live only when it was told, and the device gets it once", async () => {
    web.bus.hold();
    await web.sent(anna, conversationId, "early");
    const wire = await web.socketOf(ben, { deviceId: "phone" });
    await wire.join(topic);
    await turns(wire);
    expect(await eventsOf(wire)).toEqual(["pending_messages"]);
    web.bus.release();
    await wire.broadcasts(topic, 2);
    await web.sent(anna, conversationId, "later");
    await wire.broadcasts(topic, 3);
    expect(await eventsOf(wire)).toEqual(["pending_messages", "caught_up", "new_message"]);
    for (const content of ["first", "early", "later"])
      expect([content, await timesOf(wire, content)]).toEqual([content, 1]);
  });

  test("waits for two seconds at most; the message comes once all the same, whenever it is told", async () => {
    web.bus.hold();
    await web.sent(anna, conversationId, "lost");
    const wire = await web.socketOf(ben, { deviceId: "phone" });
    await wire.join(topic);
    await turns(wire);
    expect(await eventsOf(wire)).toEqual(["pending_messages"]);
    await clock.runFor(2_000);
    await wire.broadcasts(topic, 2);
    expect(await eventsOf(wire)).toEqual(["pending_messages", "caught_up"]);
    web.bus.release();
    await web.sent(anna, conversationId, "later");
    await wire.broadcasts(topic, 3);
    expect(await eventsOf(wire)).toEqual(["pending_messages", "caught_up", "new_message"]);
    expect([await timesOf(wire, "lost"), await timesOf(wire, "later")]).toEqual([1, 1]);
  });
});

test("I5: what is written during a backfill comes once, before or after caught_up, and in order", async () => {
  const wire = await web.socketOf(ben, { deviceId: "phone" });
  const joined = wire.join(topic);
  const contents = Array.from({ length: 30 }, (_, nth) => `message ${nth}.`);
  for (const content of contents) await web.sent(anna, conversationId, content);
  await joined;
  await web.sent(anna, conversationId, "the last");
  for (;;) if ((await timesOf(wire, "the last")) > 0) break;
  const told = JSON.stringify(await wire.told(topic));
  const order = [...told.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]!);
  expect(order).toEqual(["first", ...contents, "the last"]);
});

test("I5: more than may be held comes during the last read of a backfill: it is read again, and nothing is missed", async () => {
  const few = { phoenix: { ...phoenixDefaults, maxHeldBroadcasts: 3 } };
  await web.stop();
  web = new Fixture({ clock, settings: few });
  await aConversation();
  await web.sent(anna, conversationId, "first");
  // The read after the first page answers as it was, and late.
  const { syncReads } = web.store;
  const read = syncReads.joinFacts.bind(syncReads);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let reads = 0;
  syncReads.joinFacts = async (...requests) => {
    reads++;
    const facts = await read(...requests);
    if (reads > 1) await gate;
    return facts;
  };
  const wire = await web.socketOf(ben, { deviceId: "phone" });
  await wire.join(topic);
  await turns(wire);
  expect(reads).toBe(2);
  const contents = Array.from({ length: 10 }, (_, nth) => `message ${nth}.`);
  for (const content of contents) await web.sent(anna, conversationId, content);
  open();
  for (;;) if ((await eventsOf(wire)).includes("caught_up")) break;
  await web.sent(anna, conversationId, "the last");
  for (;;) if ((await timesOf(wire, "the last")) > 0) break;
  const order = [...JSON.stringify(await wire.told(topic)).matchAll(/"content":"([^"]*)"/g)];
  expect(order.map((match) => match[1]!)).toEqual(["first", ...contents, "the last"]);
});

test("who was sent more of a backlog than a minute allows waits for the next page, is refused nothing, and misses nothing", async () => {
  await web.stop();
  clock = new VirtualClock();
  web = new Fixture({ clock, limits: { user_backlog: { perMinute: 1, burst: 1 } } });
  await aConversation();
  await web.sent(anna, conversationId, "x".repeat(2_000));
  const first = await web.socketOf(ben, { deviceId: "phone" });
  await first.join(topic);
  await first.broadcasts(topic, 1);
  const second = await web.socketOf(ben, { deviceId: "tablet" });
  expect((await second.join(topic)).status).toBe("ok");
  await turns(second);
  expect([await eventsOf(first), await eventsOf(second)]).toEqual([["pending_messages"], []]);
  await clock.runFor(3 * 60_000);
  await second.broadcasts(topic, 1);
  expect((await eventsOf(second))[0]).toBe("pending_messages");
});
