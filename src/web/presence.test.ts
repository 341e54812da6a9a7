import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { type Channel, Presence, Socket } from "phoenix";
import { VirtualClock } from "../testing/clock.ts";
import { eventually } from "../testing/eventually.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";
import type { Wire } from "../testing/web/wire.ts";

const ann = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const cleo = "0192a7c0-0000-7000-8000-00000000000c";
const dan = "0192a7c0-0000-7000-8000-00000000000d";
const numbered = (index: number) => `0192a7c0-0000-7000-9000-${String(index).padStart(12, "0")}`;

/** A diff is gathered for 300 ms, a leave waits for two seconds. */
const windowMs = 300;
const graceMs = 2_000;

let clock: VirtualClock;
let web: Fixture;
let stock: Stock[];
beforeEach(() => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  stock = [];
});
afterEach(async () => {
  for (const client of stock) client.end();
  expect(web.bugs).toEqual([]);
  await web.stop();
});

/** The unmodified npm client with a `Presence` for each of its channels. */
class Stock {
  readonly socket: Socket;
  readonly #channels: Channel[] = [];
  /** What every channel told of joins and leaves, as an application hears it. */
  readonly heard: string[] = [];

  constructor(userId: string) {
    this.socket = new Socket(`${web.url.replace("http", "ws")}/socket`, {
      params: { token: tokenOf({ userId }) },
      transport: WebSocket as never,
      reconnectAfterMs: () => 10,
    });
    this.socket.connect();
    stock.push(this);
  }

  async join(topic: string): Promise<{ readonly channel: Channel; readonly presence: Presence }> {
    const channel = this.socket.channel(topic, {});
    const presence = new Presence(channel);
    presence.onJoin((key = "", current) => void (current || this.heard.push(`+${key}`)));
    presence.onLeave((key = "", current) => void (current.metas.length === 0 && this.heard.push(`-${key}`)));
    this.#channels.push(channel);
    await new Promise<void>((resolve, fail) => {
      channel
        .join()
        .receive("ok", () => resolve())
        .receive("error", fail);
    });
    return { channel, presence };
  }

  /** Everything sent before has come. */
  async settle(): Promise<void> {
    for (const channel of this.#channels)
      await new Promise<void>((resolve) => {
        channel.push("nothing", {}).receive("error", () => resolve());
      });
  }

  end(): void {
    this.socket.disconnect();
  }
}

const keys = (presence: Presence) => presence.list((key) => key).sort();

function statuses(presence: Presence): Record<string, string> {
  return Object.fromEntries(
    presence.list((key, { metas }) => [key, metas.map((meta: { status: string }) => meta.status).join()]),
  );
}

async function told(wire: Wire, topic: string) {
  await clock.runFor(windowMs);
  return wire.presence(topic);
}

function namesIn(diff: unknown, half: "joins" | "leaves"): string[] {
  return Object.keys((diff as Record<string, object>)[half] ?? {});
}

const topicOf = (conversationId: string) => `conversation:${conversationId}`;
const anybody = { metas: [expect.anything()] };

async function joined(userId: string, ...topics: string[]): Promise<Wire> {
  const wire = await web.socketOf(userId);
  for (const topic of topics) expect((await wire.join(topic)).status).toBe("ok");
  return wire;
}

test("who is asked by a new conversation does not show in it, also where all members do", async () => {
  await web.stop();
  web = new Fixture({ clock, asksFirst: true });
  for (const userId of [ann, ben]) await joined(userId, `user:${userId}`);
  const conversationId = await web.groupOf(ann, [ben]);
  await clock.runFor(windowMs);
  expect(web.presence.onlineIn(conversationId).map(({ userId }) => userId)).toEqual([ann]);
});

describe("between two users with a block", () => {
  const block = (blockerId: string, blockedId: string, isBlocked: boolean) =>
    web.block(blockerId, blockedId, isBlocked);
  const setStatus = (wire: Wire, userId: string, status: string) =>
    wire.push(`user:${userId}`, "update_status", JSON.stringify({ status }));
  const came = (userId: string) => ({ joins: { [userId]: anybody }, leaves: {} });
  const left = (userId: string) => ({ joins: {}, leaves: { [userId]: anybody } });

  test("each is gone for the other, others see both, and each is back without it", async () => {
    const topic = topicOf(await web.groupOf(ann, [ben, cleo, dan]));
    const [anns, bens, cleos, dans] = [
      await joined(ann, `user:${ann}`, topic),
      await joined(ben, `user:${ben}`, topic),
      await joined(cleo, `user:${cleo}`, topic),
      await joined(dan, topic),
    ];
    const all = [anns, bens, cleos, dans];
    const before = await Promise.all(all.map(async (wire) => (await told(wire, topic)).length));
    block(ann, ben, true);
    await setStatus(bens, ben, "away");
    await setStatus(cleos, cleo, "busy");
    const since = () =>
      Promise.all(
        all.map(async (wire, at) => (await told(wire, topic)).slice(before[at]).map(([, diff]) => diff)),
      );
    expect(await since()).toEqual([
      [left(ben), came(cleo)],
      [left(ann), came(ben), came(cleo)],
      [came(ben), came(cleo)],
      [came(ben), came(cleo)],
    ]);
    block(ann, ben, false);
    expect((await since()).map((diffs) => diffs.at(-1))).toEqual([
      came(ben),
      came(ann),
      came(cleo),
      came(cleo),
    ]);
  });

  test("a diff is told in one walk of the topic, however many users are apart from those in it", async () => {
    const topic = topicOf(await web.groupOf(ann, [ben, cleo]));
    await joined(ann, topic);
    const [bens, cleos] = [
      await joined(ben, `user:${ben}`, topic),
      await joined(cleo, `user:${cleo}`, topic),
    ];
    await told(cleos, topic);
    for (let index = 0; index < 1_000; index++) block(ben, numbered(index), true);
    const walks = spyOn(web.endpoint.sockets, "pushEachNow");
    await setStatus(bens, ben, "away");
    await setStatus(cleos, cleo, "busy");
    const diffs = (await told(cleos, topic)).map(([, diff]) => diff);
    expect(diffs.slice(-2)).toEqual([came(ben), came(cleo)]);
    expect(walks).toHaveBeenCalledTimes(1);
  });
});

describe("a stock client", () => {
  test("knows who of the conversation is online: one meta each, on however many devices", async () => {
    const topic = topicOf(await web.groupOf(ann, [ben, cleo, dan]));
    await joined(cleo, `user:${cleo}`);
    const client = new Stock(ann);
    const { presence } = await client.join(topic);
    await client.settle();
    expect(keys(presence)).toEqual([cleo]);
    const devices = [await joined(ben, topic), await joined(ben, `user:${ben}`, topic)];
    await clock.runFor(windowMs);
    await client.settle();
    expect(keys(presence)).toEqual([ann, ben, cleo]);
    const [, , { metas }] = presence.list() as [unknown, unknown, { metas: unknown[] }];
    expect(metas).toEqual([
      { phx_ref: expect.any(String), online_at: String(Math.floor(clock.nowUs() / 1e6)), status: "online" },
    ]);
    expect(client.heard).toEqual([`+${cleo}`, `+${ann}`, `+${ben}`]);
    devices[0]!.close();
    await clock.runFor(10_000);
    await client.settle();
    expect(client.heard).toHaveLength(3);
    devices[1]!.close();
    await eventually("the socket to be gone", () => web.endpoint.sockets.size === 2);
    await clock.runFor(graceMs - 1);
    await client.settle();
    expect(keys(presence)).toEqual([ann, ben, cleo]);
    await clock.runFor(1 + windowMs);
    await client.settle();
    expect(keys(presence)).toEqual([ann, cleo]);
    expect(client.heard.slice(3)).toEqual([`-${ben}`]);
  });

  test("hears nothing of a reconnect, and has the same set after its own", async () => {
    const topic = topicOf(await web.groupOf(ann, [ben]));
    const client = new Stock(ann);
    const { presence } = await client.join(topic);
    const first = await joined(ben, topic);
    await clock.runFor(windowMs);
    await client.settle();
    expect(client.heard).toEqual([`+${ann}`, `+${ben}`]);
    first.close();
    await clock.runFor(graceMs - 100);
    await joined(ben, topic);
    await clock.runFor(10_000);
    await client.settle();
    expect(client.heard).toHaveLength(2);
    let opened = 0;
    client.socket.onOpen(() => void opened++);
    web.endpoint.sockets.closeWhere(({ userId }) => userId === ann, 1013, "come back");
    await eventually("it to be back", () => opened > 0 && client.socket.isConnected());
    await client.settle();
    expect(keys(presence)).toEqual([ann, ben]);
    expect(client.heard).toHaveLength(2);
  });

  test("sees a status in place of the one before, also one that changed while it was away", async () => {
    const topic = topicOf(await web.groupOf(ann, [ben]));
    const client = new Stock(ann);
    const { presence } = await client.join(topic);
    const wire = await joined(ben, `user:${ben}`);
    await clock.runFor(windowMs);
    expect(await wire.push(`user:${ben}`, "update_status", '{"status":"away"}')).toEqual({
      status: "ok",
      response: { status: "away" },
    });
    expect((await wire.push(`user:${ben}`, "update_status", '{"status":"asleep"}')).response).toMatchObject({
      reason: "invalid_status",
      details: { status: "must be one of online, away, busy, offline" },
    });
    for (const payload of ['{"status":7}', '{"status":null}'])
      expect((await wire.push(`user:${ben}`, "update_status", payload)).response.reason).toBe(
        "invalid_status",
      );
    expect((await wire.push(`user:${ben}`, "update_status", "{}")).response.reason).toBe("invalid_payload");
    await clock.runFor(windowMs);
    await client.settle();
    expect(statuses(presence)).toEqual({ [ann]: "online", [ben]: "away" });
    let opened = 0;
    client.socket.onOpen(() => void opened++);
    web.endpoint.sockets.closeWhere(({ userId }) => userId === ann, 1013, "come back");
    await wire.push(`user:${ben}`, "update_status", '{"status":"busy"}');
    await eventually("it to be back", () => opened > 0 && client.socket.isConnected());
    await clock.runFor(windowMs);
    await client.settle();
    expect(statuses(presence)).toEqual({ [ann]: "online", [ben]: "busy" });
    await wire.push(`user:${ben}`, "update_status", '{"status":"offline"}');
    await clock.runFor(windowMs);
    await client.settle();
    expect(keys(presence)).toEqual([ann]);
  });

  test("with many conversations has the members of each in its own channel, and of no other", async () => {
    const pairs = [ben, cleo, dan].map((other) => web.conversationOf(ann, other));
    const topics = (await Promise.all(pairs)).map(topicOf);
    for (const other of [ben, cleo]) await joined(other, `user:${other}`);
    const client = new Stock(ann);
    const joins = await Promise.all(topics.map((topic) => client.join(topic)));
    await clock.runFor(windowMs);
    await clock.runFor(windowMs);
    await client.settle();
    expect(joins.map(({ presence }) => keys(presence))).toEqual([[ann, ben], [ann, cleo], [ann]]);
    expect(client.heard.filter((each) => each.startsWith("-"))).toEqual([]);
  });
});

describe("the existing mobile client", () => {
  /** It has one set for all topics: a state replaces it; of a diff it adds the joins, then takes away the leaves. */
  async function setOf(wire: Wire, topics: readonly string[]): Promise<string[]> {
    const set = new Set<string>();
    for (const [event, payload] of await wire.presences(topics)) {
      if (event === "presence_state") set.clear();
      const { joins, leaves } = (event === "presence_state" ? { joins: payload, leaves: {} } : payload) as {
        joins: object;
        leaves: object;
      };
      for (const key of Object.keys(joins)) set.add(key);
      for (const key of Object.keys(leaves)) set.delete(key);
    }
    return [...set].sort();
  }

  test("that joins all its conversations, twice, has everybody in its one set soon after", async () => {
    const others = Array.from({ length: 30 }, (_, index) => numbered(index));
    const topics = [topicOf(await web.groupOf(ann, [ben, cleo, dan]))];
    for (const other of others) topics.push(topicOf(await web.conversationOf(ann, other)));
    const present = [ben, cleo, ...others.slice(-20)];
    for (const other of present) await joined(other, `user:${other}`);
    await clock.runFor(windowMs);
    const wire = await web.socketOf(ann);
    await Promise.all([...topics, ...topics].map((topic) => wire.join(topic)));
    await clock.runFor(windowMs);
    expect(await setOf(wire, topics)).toEqual([ann, ...present].sort());
    // A state for each join that was answered, himself on each topic, and each of the others once more.
    const frames = await wire.presences(topics);
    expect(frames.length).toBeLessThanOrEqual(2 * topics.length + topics.length + present.length);
    await wire.join(topics[0]!);
    await clock.runFor(windowMs);
    expect(await setOf(wire, topics)).toEqual([ann, ...present].sort());
  });

  test("keeps who was removed from one conversation and is in another with it", async () => {
    const id = await web.groupOf(ann, [ben, cleo]);
    const topics = [topicOf(await web.conversationOf(ann, ben)), topicOf(id)];
    await joined(ben, `user:${ben}`);
    const wire = await joined(ann, ...topics);
    await clock.runFor(windowMs);
    await web.ask(ann, "DELETE", `/conversations/${id}/members/${ben}`);
    await clock.runFor(windowMs);
    expect(await wire.presence(topics[1]!)).toContainEqual([
      "presence_diff",
      { joins: {}, leaves: { [ben]: anybody } },
    ]);
    expect(await setOf(wire, topics)).toEqual([ann, ben]);
  });
});

describe("presence of a conversation", () => {
  test("is told by a state before any diff, also of what happened during the join", async () => {
    await web.stop();
    web = new Fixture({ clock, isOwner: true });
    const id = await web.groupOf(ann, [ben, cleo]);
    const topic = topicOf(id);
    await joined(ann, topic);
    await clock.runFor(windowMs);
    web.bus.hold();
    await web.sent(ann, id, "not told yet");
    const late = await web.socketOf(ben);
    const answer = late.join(topic);
    await late.push("phoenix", "heartbeat", "{}");
    await joined(cleo, `user:${cleo}`);
    expect(await told(late, topic)).toEqual([]);
    web.bus.release();
    expect((await answer).status).toBe("ok");
    const [first, ...diffs] = await told(late, topic);
    expect(first).toEqual(["presence_state", { [ann]: anybody, [cleo]: anybody }]);
    expect(diffs).toEqual([["presence_diff", { joins: { [ben]: anybody }, leaves: {} }]]);
  });

  test("of a hundred who join at once is one diff for each of them", async () => {
    const people = Array.from({ length: 100 }, (_, index) => numbered(index));
    const topic = topicOf(await web.groupOf(people[0]!, people.slice(1)));
    const wires = await Promise.all(people.map((userId) => joined(userId, topic)));
    const frames = await Promise.all(wires.map((wire) => told(wire, topic)));
    for (const [state, diff, ...more] of frames) {
      expect([state?.[0], diff?.[0], more]).toEqual(["presence_state", "presence_diff", []]);
      expect(namesIn(diff?.[1], "joins")).toHaveLength(100);
    }
    for (const wire of wires.slice(1)) wire.close();
    await eventually("the sockets to be gone", () => web.endpoint.sockets.size === 1);
    await clock.runFor(graceMs);
    const [, , left, ...more] = await told(wires[0]!, topic);
    expect(more).toEqual([]);
    expect(namesIn(left?.[1], "leaves")).toHaveLength(99);
  });

  test("begins for who is online when it is made, or when he is added", async () => {
    const wire = await joined(ann, `user:${ann}`);
    await joined(ben, `user:${ben}`);
    await joined(cleo, `user:${cleo}`);
    const id = await web.groupOf(ann, [ben]);
    await wire.join(topicOf(id));
    expect((await told(wire, topicOf(id)))[0]).toEqual([
      "presence_state",
      { [ann]: anybody, [ben]: anybody },
    ]);
    await web.ask(ann, "POST", `/conversations/${id}/members`, { user_id: cleo });
    expect((await told(wire, topicOf(id))).at(-1)).toEqual([
      "presence_diff",
      { joins: { [cleo]: anybody }, leaves: {} },
    ]);
  });

  test("ends for who leaves the last topic of his last socket, and not for who leaves one of them", async () => {
    const [topic, other] = [
      topicOf(await web.conversationOf(ann, ben)),
      topicOf(await web.groupOf(ann, [ben])),
    ];
    const wire = await joined(ann, topic);
    const leaving = await joined(ben, topic, other);
    await told(wire, topic);
    await leaving.push(topic, "phx_leave", "{}");
    await clock.runFor(10_000);
    expect(await told(wire, topic)).toHaveLength(3);
    await leaving.push(other, "phx_leave", "{}");
    await clock.runFor(graceMs);
    expect((await told(wire, topic)).at(-1)).toEqual([
      "presence_diff",
      { joins: {}, leaves: { [ben]: anybody } },
    ]);
  });
});

test("I10: a socket that joins large groups at once is told of them in windows, never more than its buffer bears", async () => {
  const people = Array.from({ length: 600 }, (_, index) => numbered(index));
  const ids: string[] = [];
  for (const from of [0, 100, 200, 300]) ids.push(await web.groupOf(ann, people.slice(from, from + 300)));
  for (const userId of people) web.presence.arrived(userId);
  for (const [index, id] of ids.entries())
    for (const userId of people.slice(100 * index, 100 * index + 300)) web.presence.presentIn(userId, [id]);
  await clock.runFor(windowMs);
  const topics = ids.map(topicOf);
  const client = new Stock(ann);
  const wire = await web.socketOf(ann);
  const joins = await Promise.all(topics.map((topic) => client.join(topic)));
  await Promise.all(topics.map((topic) => wire.join(topic)));
  const usersOf = async () =>
    (await wire.presences(topics)).map(([event, payload]) =>
      event === "presence_state" ? Object.keys(payload as object).length : namesIn(payload, "joins").length,
    );
  expect(await usersOf()).toEqual([300, 300, 300, 0]);
  await clock.runFor(windowMs);
  await clock.runFor(windowMs);
  await client.settle();
  expect(joins.map(({ presence }) => keys(presence).length)).toEqual([301, 301, 301, 301]);
  expect(client.heard.filter((each) => each.startsWith("-"))).toEqual([]);
  const told = await usersOf();
  expect(told.slice(4).sort()).toEqual([1, 1, 1, 1, 100, 100, 100, 301]);
});

test("I10: a join that is slow while everybody comes back holds none of it, and is told by its state", async () => {
  const people = Array.from({ length: 600 }, (_, index) => numbered(index));
  const ids = await Promise.all(Array.from({ length: 20 }, () => web.groupOf(ann, people)));
  const { promise, resolve } = Promise.withResolvers<void>();
  const { syncReads } = web.store;
  const read = syncReads.joinFacts.bind(syncReads);
  syncReads.joinFacts = async (...requests) => {
    await promise;
    return read(...requests);
  };
  const wire = await web.socketOf(ann);
  const joins = ids.map((id) => wire.join(topicOf(id)));
  await wire.push("phoenix", "heartbeat", "{}");
  for (const userId of people) web.presence.arrived(userId);
  for (const userId of people) web.presence.presentIn(userId, ids);
  await clock.runFor(10 * windowMs);
  resolve();
  expect((await Promise.all(joins)).map(({ status }) => status)).toEqual(ids.map(() => "ok"));
  const [state] = await wire.presence(topicOf(ids[0]!));
  expect(Object.keys(state![1] as object)).toHaveLength(600);
});

test("I10: who is on many large groups to which everybody comes back at once is told of them in windows", async () => {
  const people = Array.from({ length: 600 }, (_, index) => numbered(index));
  const ids = await Promise.all(Array.from({ length: 60 }, () => web.groupOf(ann, people)));
  const wire = await joined(ann, ...ids.map(topicOf));
  await clock.runFor(windowMs);
  for (const userId of people) web.presence.arrived(userId);
  for (const userId of people) web.presence.presentIn(userId, ids);
  let largest = 0;
  let all = 0;
  for (let window = 0; window < 15; window++) {
    const before = await diffsOf(wire, ids);
    await clock.runFor(windowMs);
    const after = await diffsOf(wire, ids);
    largest = Math.max(largest, after - before);
    all = after;
  }
  expect(largest).toBeLessThanOrEqual(4_000);
  expect(all).toBe(ids.length * 601);
  expect(web.endpoint.sockets.size).toBe(1);
});

/** The users that a socket was told of by diffs. */
async function diffsOf(wire: Wire, ids: readonly string[]): Promise<number> {
  const frames = await wire.presences(ids.map(topicOf));
  const diffs = frames.filter(([event]) => event === "presence_diff");
  return diffs.reduce((sum, [, payload]) => sum + namesIn(payload, "joins").length, 0);
}

test("I10: while the loop is late presence waits and is gathered; messages go first", async () => {
  await web.stop();
  web = new Fixture({ clock, settings: { maxLoopLatenessMs: 200 } });
  const topic = topicOf(await web.groupOf(ann, [ben, cleo]));
  const wire = await joined(ann, topic);
  await told(wire, topic);
  // A single pause is forgiven; this is the one.
  clock.stall(300);
  await joined(ben, topic);
  await clock.runFor(50);
  await joined(cleo, topic);
  await clock.runFor(249);
  clock.stall(300);
  await clock.runFor(0);
  const before = (await wire.presence(topic)).length;
  await clock.runFor(windowMs);
  expect((await wire.presence(topic)).slice(before)).toEqual([
    ["presence_diff", { joins: { [ben]: anybody }, leaves: {} }],
    ["presence_diff", { joins: { [cleo]: anybody }, leaves: {} }],
  ]);
});

describe("I10: while sockets wait to be let in, presence waits and is gathered", () => {
  /** Ben and Cleo change their status, one window apart, while a handshake waits. */
  async function crowded() {
    const topic = topicOf(await web.groupOf(ann, [ben, cleo]));
    const wire = await joined(ann, topic);
    const [second, third] = [
      await joined(ben, `user:${ben}`, topic),
      await joined(cleo, `user:${cleo}`, topic),
    ];
    await told(wire, topic);
    web.checks = { ownership: { status: "unavailable", reason: "waits for the database" } };
    web.isStarting = true;
    const waiting = web.socketOf(dan);
    const silent = await Promise.race([waiting, Bun.sleep(100)]);
    expect(silent).toBeUndefined();
    const before = (await wire.presence(topic)).length;
    await second.push(`user:${ben}`, "update_status", `{"status":"away"}`);
    await clock.runFor(windowMs);
    await third.push(`user:${cleo}`, "update_status", `{"status":"busy"}`);
    await clock.runFor(2 * windowMs);
    const since = async () => {
      const frames = (await wire.presence(topic)).slice(before);
      return frames.flatMap(([, payload]) => namesIn(payload, "joins"));
    };
    return { waiting, since };
  }

  test("until they are in", async () => {
    const { waiting, since } = await crowded();
    expect(await since()).toEqual([]);
    web.checks = { ownership: { status: "ok" } };
    await clock.runFor(10);
    await waiting;
    await clock.runFor(windowMs);
    expect(await since()).toEqual([ben, cleo]);
  });

  test("and for three seconds at most", async () => {
    const { waiting, since } = await crowded();
    await clock.runFor(3_000);
    expect(await since()).toEqual([ben, cleo]);
    web.checks = { ownership: { status: "ok" } };
    await clock.runFor(10);
    await waiting;
  });
});

describe("I8: who is removed", () => {
  test("is shown no longer, and is told of nobody", async () => {
    const id = await web.groupOf(ann, [ben, cleo]);
    const topic = topicOf(id);
    const owner = await joined(ann, topic);
    const removed = await joined(ben, `user:${ben}`, topic);
    await told(owner, topic);
    await web.ask(ann, "DELETE", `/conversations/${id}/members/${ben}`);
    const before = (await removed.presence(topic)).length;
    await joined(cleo, topic);
    expect((await told(owner, topic)).slice(-2)).toEqual([
      ["presence_diff", { joins: { [cleo]: anybody }, leaves: {} }],
      ["presence_diff", { joins: {}, leaves: { [ben]: anybody } }],
    ]);
    await removed.push(`user:${ben}`, "update_status", '{"status":"busy"}');
    removed.close();
    await clock.runFor(10_000);
    expect(await told(owner, topic)).toHaveLength(5);
    expect(await (await joined(ann, topic)).presence(topic)).toEqual([
      ["presence_state", { [ann]: anybody, [cleo]: anybody }],
    ]);
    expect(before).toBe(3);
  });

  test("while his join of his own topic was being read is not shown by it", async () => {
    const id = await web.groupOf(ann, [ben, cleo]);
    const owner = await joined(ann, topicOf(id));
    const { promise, resolve } = Promise.withResolvers<void>();
    const { syncReads } = web.store;
    const read = syncReads.joinFacts.bind(syncReads);
    syncReads.joinFacts = async (...requests) => {
      const found = await read(...requests);
      await promise;
      return found;
    };
    const late = await web.socketOf(ben);
    const answer = late.join(`user:${ben}`);
    await late.push("phoenix", "heartbeat", "{}");
    await web.ask(ann, "DELETE", `/conversations/${id}/members/${ben}`);
    resolve();
    expect((await answer).status).toBe("ok");
    expect(await told(owner, topicOf(id))).toEqual([
      ["presence_state", {}],
      ["presence_diff", { joins: { [ann]: anybody }, leaves: {} }],
    ]);
  });
});

describe("members over REST", () => {
  test("are told to members with who is online and when the others last were", async () => {
    const id = await web.groupOf(ann, [ben, cleo]);
    const list = async () => {
      const { body } = await web.ask(ann, "GET", `/conversations/${id}/members`);
      const { data, meta } = body as { data: Record<string, unknown>[]; meta: unknown };
      expect(meta).toEqual({ conversation_id: id, count: 3 });
      return data.map(({ user_id, is_online, last_seen_at }) => [user_id, is_online, last_seen_at]);
    };
    const leaving = await joined(ben, `user:${ben}`);
    expect(await list()).toEqual([
      [ann, false, null],
      [ben, true, null],
      [cleo, false, null],
    ]);
    await clock.runFor(5_000);
    leaving.close();
    await eventually("the socket to be gone", () => web.endpoint.sockets.size === 0);
    await clock.runFor(graceMs);
    expect((await list())[1]).toEqual([ben, false, "2026-01-01T00:00:05.000000Z"]);
    await joined(ben, `user:${ben}`);
    expect((await list())[1]).toEqual([ben, true, null]);
    expect((await web.ask(dan, "GET", `/conversations/${id}/members`)).status).toBe(404);
  });
});
