import { afterEach, describe, expect, test } from "bun:test";
import type { Limits } from "../core/ports/limiter.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";
import { whileTimePasses } from "../testing/web/while-time-passes.ts";
import type { Reply, Wire } from "../testing/web/wire.ts";
import type { EndpointSettings } from "./endpoint-options.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";

let web: Fixture;
let clock: VirtualClock;
let conversationId: string;
let topic: string;
afterEach(() => web.stop());

async function open(limits: Partial<Limits>, settings: Partial<EndpointSettings> = {}): Promise<void> {
  clock = new VirtualClock();
  web = new Fixture({ clock, limits, settings });
  conversationId = await web.conversationOf(anna, ben);
  topic = `conversation:${conversationId}`;
}

async function joined(userId: string): Promise<Wire> {
  const wire = await web.socketOf(userId);
  expect((await wire.join(topic)).status).toBe("ok");
  return wire;
}

const message = `{"content":"x","client_random":7}`;
const another = `{"content":"x"}`;

function post(as: string, body = another): Promise<Response> {
  return web.fetch("POST", `/api/v1/conversations/${conversationId}/messages`, {
    as,
    body: JSON.parse(body),
  });
}

/** `ok`, or the reason of the refusal. */
function told({ status, response }: Reply): unknown {
  return status === "ok" ? "ok" : response.reason;
}

async function toldOf(count: number, push: () => Promise<Reply>): Promise<readonly unknown[]> {
  const replies = [];
  for (let each = 0; each < count; each++) replies.push(told(await push()));
  return replies;
}

describe("messages of one user", () => {
  test("are limited over all doors together, and nobody else's are", async () => {
    await open({
      user_messages: { perMinute: 100, burst: 20 },
      connection_operations: { perMinute: 1, burst: 1 },
      // The conversation that is created, and one of these.
      user_operations: { perMinute: 1, burst: 3 },
    });
    const [phone, laptop, other] = await Promise.all([joined(anna), joined(anna), joined(ben)]);
    for (let each = 0; each < 5; each++) {
      expect(told(await phone.push(topic, "new_message", another))).toBe("ok");
      expect(told(await laptop.push(topic, "send_message", another))).toBe("ok");
      expect((await post(anna)).status).toBe(201);
      expect((await post(anna)).status).toBe(201);
    }
    // Of these it showed only when they were decided: they might have been repeated ones.
    expect(told(await phone.push(topic, "new_message", another))).toBe("rate_limited");
    expect((await post(anna)).status).toBe(429);
    expect(web.refused).toEqual(["rate_limited", "rate_limited"]);
    expect(await phone.push(topic, "new_message", another)).toEqual({
      status: "error",
      response: {
        reason: "rate_limited",
        message:
          "Too many messages of one user: 100 a minute are allowed, 20 at once. Nothing was changed; try again after retry_after_ms.",
        retry_after_ms: 600,
      },
    });
    const refused = await post(anna);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ error: "rate_limited", retry_after_ms: 600 });
    expect(told(await other.push(topic, "new_message", message))).toBe("ok");
    expect(web.refused).toEqual(Array(4).fill("rate_limited"));
  });

  test("that repeat one that is stored count as operations, whatever comes first: a queue drains in one go", async () => {
    const limits = { perMinute: 1, burst: 20 };
    for (const isFirst of [true, false]) {
      await open({ user_messages: limits, connection_operations: limits });
      const wire = await joined(anna);
      const queue = Array.from({ length: 19 }, (_, at) => `{"content":"x","client_random":${at + 8}}`);
      const repeated = Array(10).fill(message);
      await wire.push(topic, "new_message", message);
      expect((await post(anna, message)).status).toBe(200);
      const all = isFirst ? [...repeated, ...queue] : [...queue, ...repeated];
      const replies = await Promise.all(all.map((each) => wire.push(topic, "new_message", each)));
      expect(new Set(replies.map(told))).toEqual(new Set(["ok"]));
      expect(replies.filter(({ response }) => response.duplicate)).toHaveLength(10);
      expect(told(await wire.push(topic, "new_message", another))).toBe("rate_limited");
      web.stop();
    }
  });

  test("that are repeated over REST are limited like the operations of their user", async () => {
    const few = { perMinute: 1, burst: 5 };
    await open({ user_messages: few, user_operations: few });
    const statuses = [];
    for (let each = 0; each < 11; each++) statuses.push((await post(anna, message)).status);
    // One message, four operations (the conversation was one), and what is left of the messages; then nothing is left.
    expect(statuses).toEqual([201, ...Array(8).fill(200), 429, 429]);
    expect((await post(ben, message)).status).toBe(201);
  });

  test("that are repeated without end on one socket are refused, and cost others nothing", async () => {
    await open({
      user_messages: { perMinute: 1, burst: 10 },
      connection_operations: { perMinute: 1, burst: 30 },
    });
    const wire = await joined(anna);
    const replies = await toldOf(100, () => wire.push(topic, "new_message", message));
    expect(replies.filter((each) => each === "ok")).toHaveLength(40);
    expect(replies.slice(40)).toEqual(Array(60).fill("rate_limited"));
    expect(told(await (await joined(ben)).push(topic, "new_message", message))).toBe("ok");
  });

  test("are allowed again after exactly the time that was told", async () => {
    await open({
      user_messages: { perMinute: 100, burst: 1 },
      connection_operations: { perMinute: 1, burst: 1 },
    });
    const wire = await joined(anna);
    const send = () => wire.push(topic, "new_message", another);
    expect(await toldOf(2, send)).toEqual(["ok", "rate_limited"]);
    await clock.runFor(599);
    expect((await send()).response).toMatchObject({ reason: "rate_limited", retry_after_ms: 1 });
    await clock.runFor(1);
    expect(await toldOf(2, send)).toEqual(["ok", "rate_limited"]);
  });

  test("do not hold up what the user reads", async () => {
    await open({ user_messages: { perMinute: 1, burst: 1 } });
    await post(anna);
    expect((await post(anna)).status).toBe(429);
    const path = `/api/v1/conversations/${conversationId}/messages`;
    for (const each of Array(50).fill(path))
      expect((await web.fetch("GET", each, { as: anna })).status).toBe(200);
  });
});

describe("frames of one connection", () => {
  test("are limited by kind, each kind by itself, and only on this connection", async () => {
    const few = { perMinute: 60, burst: 2 };
    await open({ connection_operations: few, connection_typing: few, connection_reads: few });
    const [phone, laptop] = await Promise.all([joined(anna), joined(anna)]);
    for (const [answer, events] of [
      ["unknown_event", ["launch", "shout"]],
      ["ok", ["typing_start", "typing_stop"]],
    ] as const) {
      const replies = [];
      for (const event of [...events, ...events]) replies.push(told(await phone.push(topic, event, "{}")));
      expect(replies).toEqual([answer, answer, "rate_limited", "rate_limited"]);
    }
    const marks = ["message_read", "mark_read", "message_delivered", "message_read"];
    const marked = marks.map((event) => phone.push(topic, event, `{"seq":1}`));
    expect((await Promise.all(marked.slice(2))).map(told)).toEqual(["rate_limited", "rate_limited"]);
    expect((await phone.push(topic, "typing_start", "{}")).response).toMatchObject({ retry_after_ms: 1_000 });
    expect(told(await laptop.push(topic, "typing_start", "{}"))).toBe("ok");
    expect(told(await phone.push(topic, "new_message", message))).toBe("ok");
    await clock.runFor(1_000);
    expect(told(await phone.push(topic, "typing_start", "{}"))).toBe("ok");
    const stored = await whileTimePasses(clock, Promise.all(marked.slice(0, 2)));
    expect(stored.map(told)).toEqual(["ok", "ok"]);
  });

  test("that are heartbeats are never limited", async () => {
    const none = { perMinute: 1, burst: 1 };
    await open({ connection_operations: none, connection_joins: none });
    const wire = await web.socketOf(anna);
    const replies = await toldOf(500, () => wire.push("phoenix", "heartbeat", "{}"));
    expect(new Set(replies)).toEqual(new Set(["ok"]));
  });

  test("that join are limited; leaves count and are never refused", async () => {
    await open({ connection_joins: { perMinute: 60, burst: 3 } });
    const wire = await web.socketOf(anna);
    const leave = () => wire.push(topic, "phx_leave", "{}");
    expect(told(await wire.join(topic))).toBe("ok");
    expect(await toldOf(3, leave)).toEqual(["ok", "ok", "ok"]);
    expect((await wire.join(topic)).response).toMatchObject({
      reason: "rate_limited",
      retry_after_ms: 1_000,
    });
    expect(told(await leave())).toBe("ok");
    await clock.runFor(1_000);
    expect(told(await wire.join(topic))).toBe("ok");
  });
});

describe("handshakes", () => {
  /** A handshake that gets as far as it is allowed to, and opens no socket: it names no key. */
  const handshake = (token: string, forwardedFor?: string) =>
    fetch(`${web.url}/socket/websocket?vsn=2.0.0&token=${token}`, {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        ...(forwardedFor ? { "x-forwarded-for": forwardedFor } : {}),
      },
    });
  const [forged, annas, bens] = ["forged", tokenOf({ userId: anna }), tokenOf({ userId: ben })];
  const statuses = async (...all: readonly (readonly [token: string, forwardedFor?: string])[]) => {
    const seen = [];
    for (const [token, forwardedFor] of all) seen.push((await handshake(token, forwardedFor)).status);
    return seen;
  };
  const few = { address_failures: { perMinute: 60, burst: 2 } };

  test("with forged tokens are limited by their address, until the time told has passed, and others from there are let in all the while", async () => {
    await open(few);
    expect(await statuses([forged], [forged], [forged])).toEqual([401, 401, 429]);
    const refused = await handshake(forged);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ error: "rate_limited", retry_after_ms: 1_000 });
    const wires = [await web.socketOf(anna), await web.socketOf(ben)];
    expect(told(await wires[0]!.join(topic))).toBe("ok");
    const list = () => web.fetch("GET", "/api/v1/conversations", { as: anna });
    expect((await list()).status).toBe(200);
    await clock.runFor(1_000);
    expect(await statuses([forged])).toEqual([401]);
    expect(web.handshakes).toEqual([
      ...["unauthorized", "unauthorized", "address_limit", "address_limit"],
      ...["admitted", "admitted", "unauthorized"],
    ]);
  });

  test("with forged tokens and requests with them count together; tokens of ours that are over do not, and neither do none", async () => {
    await open(few);
    const request = async (token: string) =>
      (await fetch(`${web.url}/api/v1/conversations`, { headers: { authorization: `Bearer ${token}` } }))
        .status;
    for (const _ of [1, 2, 3]) {
      expect([await request("expired"), ...(await statuses(["expired"], [""]))]).toEqual([401, 401, 401]);
      expect((await fetch(`${web.url}/api/v1/conversations`)).status).toBe(401);
    }
    expect([...(await statuses([forged])), await request(forged), await request(forged)]).toEqual([
      401, 401, 429,
    ]);
    expect([await request("expired"), await request(annas)]).toEqual([401, 200]);
  });

  test("are counted by the connection's address, whatever x-forwarded-for says", async () => {
    await open(few);
    const from = (last: number) => [forged, `198.51.100.${last}`] as const;
    expect(await statuses(from(1), from(2), from(3))).toEqual([401, 401, 429]);
  });

  test("behind a trusted proxy are counted by the address that it names", async () => {
    await open(few, { trustedProxies: ["127.0.0.0/8"] });
    const one = "198.51.100.1";
    const inventing = [`1.1.1.1, ${one}`, `2.2.2.2, ${one}`];
    const addresses = [one, ...inventing, "198.51.100.2"];
    expect(await statuses(...addresses.map((each) => [forged, each] as const))).toEqual([401, 401, 429, 401]);
  });

  test("of one user are limited to 429, and those of another from the same address are not", async () => {
    await open({ user_handshakes: { perMinute: 60, burst: 2 } });
    const wires = [await web.socketOf(anna), await web.socketOf(anna)];
    const refused = await handshake(annas);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({
      error: "rate_limited",
      message: expect.stringContaining("connections of one user"),
    });
    wires.push(await web.socketOf(ben));
    for (const wire of wires) expect(told(await wire.push("phoenix", "heartbeat", "{}"))).toBe("ok");
    expect(web.handshakes).toEqual(["admitted", "admitted", "user_limit", "admitted"]);
    await clock.runFor(1_000);
    await web.socketOf(anna);
  });

  test("of thousands of users from one address are all let in", async () => {
    await open({ ...few, user_handshakes: { perMinute: 60, burst: 2 } });
    const users = Array.from({ length: 300 }, () => tokenOf({ userId: Bun.randomUUIDv7() }));
    const answers = await Promise.all(users.map((token) => handshake(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([422]));
    expect(new Set(web.handshakes)).toEqual(new Set(["admitted"]));
  });

  test("to the whole server are paced by 503 where a rate is set, each refused for a time of its own, and forged ones use up nothing of it", async () => {
    await open({ process_handshakes: { perMinute: 120, burst: 2 } });
    expect(await statuses([forged], [annas], [forged], [bens], [annas])).toEqual([401, 422, 401, 422, 503]);
    const pauses = new Set<number>();
    for (let each = 0; each < 10; each++) {
      const refused = await handshake(annas);
      const body = (await refused.json()) as { readonly retry_after_ms: number };
      expect(body).toMatchObject({
        error: "overloaded",
        message: expect.stringContaining("2 connections a second"),
      });
      expect(body.retry_after_ms).toBeWithin(500, 3_001);
      expect(refused.headers.get("retry-after")).toBe(String(Math.ceil(body.retry_after_ms / 1_000)));
      pauses.add(body.retry_after_ms);
    }
    expect(pauses.size).toBeGreaterThan(1);
    expect(web.handshakes).toEqual([
      ...["unauthorized", "admitted", "unauthorized", "admitted"],
      ...Array(11).fill("rate_limit"),
    ]);
    await clock.runFor(1_000);
    expect(await statuses([annas], [bens], [annas])).toEqual([422, 422, 503]);
  });
});

describe("a process that has just started", () => {
  const starting = () => {
    web.checks = { ownership: { status: "unavailable", reason: "waits for the database" } };
    web.isStarting = true;
  };

  /** Resolves once the handshake waits: then its outcome is all that is missing. */
  const waiting = async () => {
    const wire = web.socketOf(anna);
    const early = await Promise.race([wire.catch(() => "refused"), Bun.sleep(100).then(() => "waits")]);
    return { wire, early };
  };

  test("lets handshakes wait, which stock clients do not notice, and opens them as soon as it serves", async () => {
    await open({});
    starting();
    const { wire, early } = await waiting();
    expect(early).toBe("waits");
    web.checks = { ownership: { status: "ok" } };
    await clock.runFor(10);
    expect(told(await (await wire).join(topic))).toBe("ok");
    expect(web.handshakes).toEqual(["admitted"]);
  });

  test("refuses them as soon as it knows that it does not serve", async () => {
    await open({});
    starting();
    const { wire, early } = await waiting();
    expect(early).toBe("waits");
    web.isStarting = false;
    await clock.runFor(10);
    await expect(wire).rejects.toThrow();
    const refused = await fetch(`${web.url}/socket/websocket?vsn=2.0.0`);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 4);
    expect(web.handshakes).toEqual(["not_serving", "not_serving"]);
  });
});

describe("while the event loop is late", () => {
  /** As in a flood: there is always a frame to be served before the timers, here every 100 ms. */
  const late = async (wire: Wire, byMs: number) => {
    // The tick that is due gets its turn; the next one is 50 ms away.
    await clock.runFor(50);
    for (let leftMs = 50 + byMs; leftMs > 0; leftMs -= 100) {
      clock.stall(Math.min(100, leftMs));
      await wire.push(topic, "message_read", "{}");
    }
  };

  test("by half of what is allowed, typing and status are refused and nothing else is", async () => {
    await open({}, { maxLoopLatenessMs: 200 });
    const wire = await joined(anna);
    await late(wire, 101);
    const typing = await wire.push(topic, "user_typing", `{"typing":true}`);
    expect(typing.response).toMatchObject({ reason: "overloaded", retry_after_ms: 1_000 });
    expect(told(await wire.push(topic, "update_status", `{"status":"away"}`))).toBe("overloaded");
    expect(told(await wire.push(topic, "message_read", `{"seq":1}`))).toBe("ok");
    expect(told(await wire.push(topic, "new_message", message))).toBe("ok");
  });

  test("by more than is allowed, what adds work is refused until the loop is in time again", async () => {
    await open({}, { maxLoopLatenessMs: 200 });
    const wire = await joined(anna);
    await late(wire, 201);
    expect((await wire.push(topic, "new_message", message)).response).toMatchObject({
      reason: "overloaded",
      retry_after_ms: 1_000,
    });
    expect(told(await wire.join(`user:${anna}`))).toBe("overloaded");
    const refused = await post(anna);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toMatchObject({ error: "overloaded", retry_after_ms: 1_000 });
    expect((await web.fetch("GET", "/api/v1/conversations", { as: anna })).status).toBe(200);
    expect(told(await wire.push("phoenix", "heartbeat", "{}"))).toBe("ok");
    await clock.runFor(0);
    expect(told(await wire.push(topic, "new_message", message))).toBe("ok");
    expect(told(await wire.push(topic, "phx_leave", "{}"))).toBe("ok");
  });

  test("a socket that is on its way in still joins: its place was given to it before", async () => {
    await open({}, { maxLoopLatenessMs: 200 });
    const [busy, arriving] = [await joined(anna), await web.socketOf(ben)];
    await late(busy, 201);
    expect(told(await arriving.join(topic))).toBe("ok");
    expect(told(await arriving.join(`user:${ben}`))).toBe("overloaded");
    expect(told(await busy.join(`user:${anna}`))).toBe("overloaded");
  });

  test("leaving a topic is not refused", async () => {
    await open({}, { maxLoopLatenessMs: 200 });
    const wire = await joined(anna);
    await late(wire, 5_000);
    expect(told(await wire.push(topic, "phx_leave", "{}"))).toBe("ok");
  });

  test("a single pause, after which little waits, refuses nothing", async () => {
    await open({}, { maxLoopLatenessMs: 200 });
    const wire = await joined(anna);
    clock.stall(3_000);
    expect(told(await wire.push(topic, "new_message", message))).toBe("ok");
    expect((await post(anna, message)).status).toBe(200);
  });

  test("nothing is refused when the bound is off", async () => {
    await open({}, { maxLoopLatenessMs: 0 });
    const wire = await joined(anna);
    await late(wire, 60_000);
    expect(told(await wire.push(topic, "new_message", message))).toBe("ok");
  });
});

test("with every limit off, nothing is limited", async () => {
  await open({});
  const wire = await joined(anna);
  const pushes = Array.from({ length: 300 }, () => wire.push(topic, "new_message", message));
  expect(new Set((await Promise.all(pushes)).map(told))).toEqual(new Set(["ok"]));
});
