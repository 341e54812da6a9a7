import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Socket } from "phoenix";
import { StoreUnavailable } from "../core/ports/store-errors.ts";
import { VirtualClock } from "../testing/clock.ts";
import { eventually } from "../testing/eventually.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";
import { whileTimePasses } from "../testing/web/while-time-passes.ts";
import type { Wire } from "../testing/web/wire.ts";
import { commandDeadlineMs } from "../testing/web/world.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
let clock: VirtualClock;
let conversationId: string;
let topic: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  conversationId = await web.conversationOf(anna, ben);
  topic = topicIn(conversationId);
});
afterEach(() => web.stop());

function topicIn(id: string): string {
  return `conversation:${id}`;
}

/** What a test is named after, before the row itself: payloads may be long. */
function named<Row extends readonly [string, ...unknown[]]>(rows: readonly Row[]) {
  return rows.map((row) => [row[0].slice(0, 60), ...row] as [string, ...Row]);
}

async function joined(userId: string): Promise<Wire> {
  const wire = await web.socketOf(userId);
  await wire.join(topic);
  return wire;
}

describe("the handshake", () => {
  const handshake = (query: string, headers: Record<string, string> = {}, path = "/socket/websocket") =>
    fetch(`${web.url}${path}${query}`, {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ...headers,
      },
    });

  test.each([
    ["?vsn=2.0.0", 401, "unauthorized"],
    ["?vsn=2.0.0&token=rubbish", 401, "unauthorized"],
    ["?vsn=2.0.0&token=keys-are-away", 503, "unavailable"],
    [`?vsn=1.0.0&token=${tokenOf({ userId: anna })}`, 422, "invalid_payload"],
    [`?token=${tokenOf({ userId: anna })}`, 422, "invalid_payload"],
  ])("with %s is refused by status %i", async (query, status, error) => {
    for (const path of ["/socket/websocket", "/messaging/socket/websocket"]) {
      const response = await handshake(query, {}, path);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ error });
      expect(response.headers.has("retry-after")).toBe(status === 503);
    }
  });

  test("of a revoked device is refused by status", async () => {
    web.revoked.add(anna);
    expect((await handshake(`?vsn=2.0.0&token=${tokenOf({ userId: anna })}`)).status).toBe(401);
  });

  test("that is none is refused", async () => {
    const path = `/socket/websocket?token=${tokenOf({ userId: anna })}`;
    expect((await web.fetch("GET", path)).status).toBe(422);
    expect((await web.fetch("POST", path)).status).toBe(405);
  });

  test("takes the token of the stock client's authToken", async () => {
    const socket = new Socket(`${web.url.replace("http", "ws")}/messaging/socket`, {
      authToken: tokenOf({ userId: anna }),
    });
    socket.connect();
    const reply = await new Promise((resolve) => {
      socket.channel(`user:${anna}`, {}).join().receive("ok", resolve).receive("error", resolve);
    });
    expect(reply).toMatchObject({ user_id: anna, device_id: null });
    socket.disconnect();
  });
});

describe("joining", () => {
  test("a conversation answers what it is and where its log stands, to its members", async () => {
    const wire = await joined(anna);
    await wire.push(topic, "new_message", `{"content":"x"}`);
    const other = await web.socketOf(ben);
    expect(await other.join(topic)).toMatchObject({
      status: "ok",
      response: {
        conversation: { id: conversationId, type: "direct", metadata: {}, is_active: true },
        head_seq: 1,
        head_rev: 1,
      },
    });
  });

  test("is refused alike for strangers, unknown conversations and malformed ids", async () => {
    const wire = await web.socketOf(carl);
    const topics = [
      topic,
      topicIn(nowhere),
      topicIn("x"),
      topicIn(""),
      topicIn(conversationId.toUpperCase()),
    ];
    const replies = await Promise.all(topics.map((each) => wire.join(each)));
    expect(new Set(replies.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(replies[0]).toMatchObject({ status: "error", response: { reason: "not_authorized" } });
  });

  test("passes on that the domain cannot answer now", async () => {
    web.store.syncReads.joinFacts = () => Promise.reject(new StoreUnavailable({ cause: null }));
    const wire = await web.socketOf(anna);
    expect(await wire.join(topic)).toMatchObject({
      status: "error",
      response: { reason: "unavailable", retry_after_ms: expect.any(Number) },
    });
  });

  test("a user topic is for its own user", async () => {
    const wire = await web.socketOf(anna, { deviceId: "phone" });
    expect(await wire.join(`user:${anna}`)).toMatchObject({
      status: "ok",
      response: { user_id: anna, device_id: "phone" },
    });
    expect(await wire.join(`user:${ben}`)).toMatchObject({
      status: "error",
      response: { reason: "unauthorized" },
    });
    expect(await wire.join("rooms:1")).toMatchObject({ response: { reason: "unmatched topic" } });
  });
});

describe("a message over a socket", () => {
  test("is answered to its sender and told on the conversation and to both users, with one text", async () => {
    const sender = await joined(anna);
    const reader = await web.socketOf(ben);
    await reader.join(`user:${ben}`);
    const reply = await sender.push(topic, "new_message", `{"content":"hello","client_random":1}`);
    expect(reply).toMatchObject({ status: "ok", response: { message: { seq: 1, content: "hello" } } });
    expect(await sender.broadcasts(topic, 1)).toEqual([reply.response]);
    expect(await reader.broadcasts(`user:${ben}`, 2)).toEqual([{}, reply.response]);
  });

  test("sent over REST is told the same", async () => {
    const reader = await joined(ben);
    const path = `/api/v1/conversations/${conversationId}/messages`;
    const response = await web.fetch("POST", path, { as: anna, body: { content: "hello" } });
    const { data } = (await response.json()) as { data: unknown };
    expect(await reader.broadcasts(topic, 1)).toEqual([{ message: data }]);
  });

  test("sent again is answered with the first one and told to nobody", async () => {
    const wire = await joined(anna);
    const first = await wire.push(topic, "new_message", `{"content":"one","client_random":9}`);
    const again = await wire.push(topic, "send_message", `{"content":"two","client_random":"9"}`);
    expect(again.response).toEqual({ ...first.response, duplicate: true, differs: true });
    expect(await wire.broadcasts(topic, 1)).toHaveLength(1);
  });

  test("goes where its topic says, whatever conversation its payload names", async () => {
    const elsewhere = await web.conversationOf(anna, carl);
    const wire = await joined(anna);
    for (const named of [`"${conversationId}"`, `"${elsewhere}"`, '"nowhere"', "7", "null", "{}"]) {
      const payload = `{"content":"x","conversation_id":${named}}`;
      const { status, response } = await wire.push(topic, "new_message", payload);
      expect([status, response.message]).toMatchObject(["ok", { conversation_id: conversationId }]);
      expect(
        (await wire.push(topic, "user_typing", `{"typing":true,"conversation_id":${named}}`)).status,
      ).toBe("ok");
      const mark = wire.push(topic, "mark_read", `{"conversation_id":${named}}`);
      expect((await whileTimePasses(clock, mark)).status).toBe("ok");
    }
    expect(web.unknownFields).toEqual([]);
  });

  const refusedPayloads: [string, string][] = [
    [`{}`, "content"],
    [`{"content":null}`, "content"],
    [`{"content":7}`, "content"],
    [`{"content":""}`, "content"],
    [`{"content":"\\ud800"}`, "content"],
    [`{"content":"${"x".repeat(65_537)}"}`, "content"],
    [`{"content":"${"€".repeat(21_846)}"}`, "content"],
    [`{"content":"x","client_random":3.5}`, "client_random"],
    [`{"content":"x","client_random":4294967296}`, "client_random"],
    [`{"content":"x","client_random":"4294967296"}`, "client_random"],
    [`{"content":"x","client_random":-1}`, "client_random"],
    [`{"content":"x","client_random":"0x1"}`, "client_random"],
    [`{"content":"x","client_random":true}`, "client_random"],
    [`{"content":"x","message_type":"system"}`, "message_type"],
    [`{"content":"x","message_type":"ephemeral"}`, "message_type"],
    [`{"content":"x","metadata":[]}`, "metadata"],
    [`{"content":"x","metadata":"{}"}`, "metadata"],
    [`{"content":"x","metadata":{"n":1e400}}`, "metadata"],
    [`{"content":"x","metadata":{"n":[-1e140000]}}`, "metadata"],
    [`{"content":"x","metadata":{"s":"\\udc00"}}`, "metadata"],
    [`{"content":"x","metadata":{"\\ud800":1}}`, "metadata"],
    [`{"content":"x","metadata":{"a":${"[".repeat(32)}${"]".repeat(32)}}}`, "metadata"],
    [`{"content":"x","metadata":{"a":${"[".repeat(8_000)}${"]".repeat(8_000)}}}`, "metadata"],
    [`{"content":"x","metadata":{"a":"${"x".repeat(16_384)}"}}`, "metadata"],
    [`{"content":"x","reply_to_id":"${nowhere}"}`, "reply_to_id"],
    [`{"content":"x","signature":"AA=="}`, "signature"],
    [`{"content":"x","sender_public_key":"AA=="}`, "sender_public_key"],
    [`{"content":"x","media_id":"${nowhere}"}`, "media_id"],
    [`{"content":"x","ttl_seconds":5}`, "ttl_seconds"],
  ];
  test.each(named(refusedPayloads))(
    "as %s is refused by the field's name, and the channel lives on",
    async (_, payload, field) => {
      const wire = await joined(anna);
      const reply = await wire.push(topic, "new_message", payload);
      expect(reply).toMatchObject({ status: "error", response: { reason: "invalid_payload" } });
      expect(Object.keys(reply.response.details as object)).toEqual([field]);
      expect((await wire.push(topic, "new_message", `{"content":"still here"}`)).status).toBe("ok");
    },
  );

  test.each(["[]", "null", "7", '"text"'])("whose payload is %s is refused", async (payload) => {
    const wire = await joined(anna);
    expect(await wire.push(topic, "new_message", payload)).toMatchObject({ status: "error" });
    expect((await wire.push(topic, "new_message", `{"content":"still here"}`)).status).toBe("ok");
  });

  const keptPayloads: [string][] = [
    [`{"content":"x","a":${'{"a":'.repeat(8_000)}1${"}".repeat(8_000)}}`],
    [`{"content":"x","sent_at":"2020-01-01T00:00:00Z"}`],
    [`{"content":"x","__proto__":{"content":"y"}}`],
    [`{"content":"a\\u0000b"}`],
    [`{"content":"   "}`],
    [`{"content":"\\u2028 😀 \\\\ \\" "}`],
    [`{"content":"${"€".repeat(21_845)}"}`],
    [`{"content":"x","metadata":{"__proto__":{"a":1},"constructor":"c","toJSON":1,"":null}}`],
    [`{"content":"x","metadata":{"a":${"[".repeat(31)}${"]".repeat(31)}}}`],
    [`{"content":"x","metadata":{"n":[0.1,-1e-300,9007199254740991,true,"7"]}}`],
  ];
  test.each(named(keptPayloads))("as %s comes back equal", async (_, payload) => {
    const wire = await joined(anna);
    const { status, response } = await wire.push(topic, "new_message", payload);
    expect(status).toBe("ok");
    const sent = JSON.parse(payload);
    const { content, metadata } = response.message as { content: string; metadata: object };
    expect(content).toBe(sent.content);
    expect(JSON.stringify(metadata)).toBe(JSON.stringify(sent.metadata ?? {}));
  });

  test.each([
    ["4294967295", 4_294_967_295],
    ['"4294967295"', 4_294_967_295],
    ["0", 0],
    ["-0", 0],
    ['"007"', 7],
    ["null", null],
  ])("keeps the client_random %s", async (given, kept) => {
    const wire = await joined(anna);
    const { response } = await wire.push(topic, "new_message", `{"content":"x","client_random":${given}}`);
    expect((response.message as { client_random: unknown }).client_random).toBe(kept);
  });

  test("is refused as the engine refuses it", async () => {
    const wire = await joined(anna);
    web.commits.hold();
    const reply = wire.push(topic, "new_message", `{"content":"x"}`);
    await eventually("the command is under way", () => web.commits.batches.length > 0);
    await clock.runFor(commandDeadlineMs + 1_000);
    expect(await reply).toEqual({
      status: "error",
      response: {
        reason: "outcome_unknown",
        message: expect.any(String),
        retry_after_ms: expect.any(Number),
      },
    });
  });

  test("meets a bug without leaking it, and the socket lives on", async () => {
    const wire = await joined(anna);
    const { own } = web.store;
    const markUnread = own.markUnread.bind(own);
    own.markUnread = () => Promise.reject(new Error("secret db password"));
    const messageId = await web.sent(ben, conversationId, "x");
    const reply = await wire.push(topic, "mark_unread", `{"message_id":"${messageId}"}`);
    expect(reply).toEqual({ status: "error", response: { reason: "internal" } });
    expect(web.bugs).toHaveLength(1);
    own.markUnread = markUnread;
    expect((await wire.push(topic, "mark_unread", `{"message_id":"${messageId}"}`)).status).toBe("ok");
  });
});

test("an event that nothing answers to is refused by name on both kinds of topic, with those that are known", async () => {
  const wire = await joined(anna);
  await wire.join(`user:${anna}`);
  const known = {
    [topic]:
      "update_conversation, new_message, send_message, edit_message, delete_message, add_reaction, remove_reaction, message_delivered, message_read, mark_read, mark_unread, user_typing, typing_start, typing_stop",
    [`user:${anna}`]: "message_delivered, message_read, mark_conversation_read, update_status",
  };
  for (const [each, names] of Object.entries(known)) {
    for (const event of ["launch", "constructor", "__proto__"]) {
      const { response } = await wire.push(each, event, "{}");
      expect(response).toMatchObject({ reason: "unknown_event" });
      expect(response.message).toContain(`Events: ${names}.`);
    }
  }
  expect(web.refused.filter((code) => code === "unknown_event")).toHaveLength(6);
});

describe("the end of a socket", () => {
  test("comes with 4001 when its token expires, and not before", async () => {
    const nowMs = clock.nowUs() / 1000;
    const short = await web.socketOf(anna, { expiresAtMs: nowMs + 5_000 });
    const long = await web.socketOf(ben, { expiresAtMs: nowMs + 60_000 });
    await clock.runFor(4_000);
    expect((await short.join(`user:${anna}`)).status).toBe("ok");
    await clock.runFor(1_500);
    expect(await short.untilClosed()).toMatchObject({ code: 4001 });
    expect((await long.join(`user:${ben}`)).status).toBe("ok");
    await clock.runFor(60_000);
    expect(await long.untilClosed()).toMatchObject({ code: 4001 });
    expect(web.security).toEqual([
      { event: "sessions_ended", sockets: 1 },
      { event: "sessions_ended", sockets: 1 },
    ]);
  });

  test("comes with 4001 after the longest session when its token sets no end", async () => {
    const wire = await web.socketOf(anna);
    await clock.runFor(12 * 60 * 60 * 1000 + 1_000);
    expect(await wire.untilClosed()).toMatchObject({ code: 4001 });
  });

  test("by a stop leaves requests under way their answer", async () => {
    web.commits.hold();
    const path = `/api/v1/conversations/${conversationId}/messages`;
    const sent = web.fetch("POST", path, { as: anna, body: { content: "last words" } });
    await eventually("the command is under way", () => web.commits.batches.length === 1);
    const stopped = web.stop();
    web.commits.release();
    expect((await sent).status).toBe(201);
    await stopped;
  });

  test("by a stop comes at its deadline even when a request never ends", async () => {
    web.commits.hold();
    const path = `/api/v1/conversations/${conversationId}/messages`;
    const sent = web.fetch("POST", path, { as: anna, body: { content: "never" } }).catch(() => "cut");
    await eventually("the command is under way", () => web.commits.batches.length === 1);
    const stopped = web.stop();
    await clock.runFor(1_000);
    await stopped;
    expect(await sent).toBe("cut");
  });

  test("comes with 1012 when the server stops, and nothing listens afterwards", async () => {
    const wires = await Promise.all([anna, ben].map((each) => web.socketOf(each)));
    await web.stop();
    for (const wire of wires) expect(await wire.untilClosed()).toMatchObject({ code: 1012 });
    expect(web.socketOf(anna)).rejects.toThrow();
  });
});

describe("I5: a join that sees a message before its owner tells of it", () => {
  test("is answered once it was told, and does not hear it again", async () => {
    const wire = await joined(anna);
    web.bus.hold();
    await web.sent(anna, conversationId, "early");
    const late = await web.socketOf(ben);
    let isAnswered = false;
    const answer = late.join(topic).then((reply) => {
      isAnswered = true;
      return reply;
    });
    // Frames of one socket are answered in order: this one came after the join.
    await late.push("phoenix", "heartbeat", "{}");
    expect(isAnswered).toBe(false);
    web.bus.release();
    expect(await answer).toMatchObject({ status: "ok", response: { head_seq: 1, head_rev: 1 } });
    await web.sent(anna, conversationId, "later");
    const heard = await late.broadcasts(topic, 1);
    expect(heard).toMatchObject([{ message: { content: "later" } }]);
    expect(await wire.broadcasts(topic, 2)).toMatchObject([
      { message: { content: "early" } },
      { message: { content: "later" } },
    ]);
  });

  test("waits for two seconds at most: then what is missing is read from the store", async () => {
    await joined(anna);
    web.bus.hold();
    await web.sent(anna, conversationId, "lost");
    const late = await web.socketOf(ben);
    const answer = late.join(topic);
    await late.push("phoenix", "heartbeat", "{}");
    await clock.runFor(2_000);
    expect(await answer).toMatchObject({ status: "ok", response: { head_rev: 1 } });
  });
});
