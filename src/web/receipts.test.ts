import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { StoreUnavailable } from "../core/ports/store-errors.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";
import { whileTimePasses } from "../testing/web/while-time-passes.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
let clock: VirtualClock;
let conversationId: string;
let ids: string[];
let topic: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  conversationId = await web.conversationOf(anna, ben);
  topic = `conversation:${conversationId}`;
  ids = [];
  for (const content of ["one", "two", "three"]) ids.push(await web.sent(anna, conversationId, content));
});
afterEach(() => web.stop());

async function joined(userId: string, to = topic) {
  const wire = await web.socketOf(userId);
  await wire.join(to);
  return wire;
}

/** The status of each message as its sender sees it, oldest first. */
async function statuses(): Promise<string[]> {
  const { body } = await web.ask(anna, "GET", `/conversations/${conversationId}/messages`);
  return (body as { data: { status: string }[] }).data.map(({ status }) => status).reverse();
}

async function unreadOf(userId: string): Promise<number> {
  const { body } = await web.ask(userId, "GET", `/conversations/${conversationId}`);
  return (body as { data: { unread_count: number } }).data.unread_count;
}

describe("a receipt over REST", () => {
  const receipt = (body: object, as = ben, id = ids[1]!, query = "") =>
    web.ask(as, "PATCH", `/messages/${id}/receipt${query}`, body);

  test("moves the mark up to its message", async () => {
    const body = { status: "delivered", conversation_id: conversationId };
    expect(await receipt(body)).toEqual({
      status: 200,
      body: { data: { message_id: ids[1], user_id: ben, status: "delivered" }, meta: {} },
    });
    expect(await statuses()).toEqual(["delivered", "delivered", "sent"]);
    const read = await receipt({ status: "read" }, ben, ids[0], `?conversation_id=${conversationId}`);
    expect(read.status).toBe(200);
    expect(await statuses()).toEqual(["read", "delivered", "sent"]);
    expect(await unreadOf(ben)).toBe(2);
  });

  test.each([
    [{}, "status"],
    [{ status: "sent" }, "status"],
    [{ status: "read", conversation_id: "x" }, "conversation_id"],
  ])("is refused as %j because of %s", async (body, field) => {
    const answer = await receipt({ conversation_id: conversationId, ...body });
    expect(answer).toMatchObject(refused(422, "invalid_payload", field));
  });

  test("need not name the conversation, in the body or in the query", async () => {
    for (const [index, conversation_id] of [undefined, null].entries()) {
      const answer = receipt({ status: "read", conversation_id }, ben, ids[index]);
      expect(await whileTimePasses(clock, answer)).toMatchObject({ status: 200 });
    }
    expect(await statuses()).toEqual(["read", "read", "sent"]);
  });

  test("is a member's, of a message that there is in the conversation that is named", async () => {
    const body = { status: "read", conversation_id: conversationId };
    const unknown = await receipt(body, ben, nowhere);
    expect(unknown).toMatchObject(refused(404, "not_found"));
    for (const each of [
      receipt(body, carl),
      receipt({ status: "read" }, carl),
      receipt({ status: "read" }, carl, nowhere),
      receipt({ status: "read" }, ben, "x"),
      receipt({ status: "read", conversation_id: nowhere }),
      receipt({ status: "read" }, ben, ids[1], `?conversation_id=${nowhere}`),
    ])
      expect(await each).toEqual(unknown);
    expect(await statuses()).toEqual(["sent", "sent", "sent"]);
  });

  test("of a stranger is refused before anything waits for the store, whether the message exists or not", async () => {
    const marked = () => web.commits.batches.flatMap(({ marks }) => marks.map(({ userId }) => userId));
    const before = marked().length;
    for (const id of [ids[0], nowhere])
      for (const conversation_id of [conversationId, nowhere, undefined])
        expect((await receipt({ status: "read", conversation_id }, carl, id)).status).toBe(404);
    expect(marked().slice(before)).toEqual([]);
    expect((await receipt({ status: "read" })).status).toBe(200);
    expect(marked().slice(before)).toEqual([ben]);
  });

  test("tells that the engine cannot take it now", async () => {
    web.store.viewerReads.showMessage = () => Promise.reject(new StoreUnavailable({ cause: null }));
    const answer = await receipt({ status: "read", conversation_id: conversationId });
    expect(answer).toMatchObject(refused(503, "unavailable"));
    expect(web.refused).toContain("unavailable");
  });
});

describe("who has received and read a message", () => {
  const ask = (as: string, id = ids[1]!) => web.ask(as, "GET", `/messages/${id}/delivery-status`);

  test("is told to its members, for each but the sender", async () => {
    const wire = await joined(ben);
    await wire.push(topic, "message_delivered", `{"seq":3}`);
    await wire.push(topic, "message_read", `{"seq":1}`);
    const at = "2026-01-01T00:00:00.000000Z";
    const row = { message_id: ids[1], user_id: ben, delivered_at: at, read_at: null };
    for (const viewer of [anna, ben])
      expect(await ask(viewer)).toEqual({
        status: 200,
        body: { data: [row], meta: { message_id: ids[1], count: 1 } },
      });
    const { body } = await ask(anna, ids[0]!.toUpperCase());
    expect((body as { data: object[] }).data).toEqual([{ ...row, message_id: ids[0], read_at: at }]);
  });

  test("is unknown to strangers, whether the message exists or not", async () => {
    const unknown = await ask(ben, nowhere);
    expect(unknown).toMatchObject(refused(404, "not_found"));
    for (const each of [ask(carl), ask(carl, nowhere), ask(ben, "x")]) expect(await each).toEqual(unknown);
  });
});

describe("marking as unread over REST", () => {
  const unread = (as = ben, id = ids[1]!, query = `?conversation_id=${conversationId}`) =>
    web.ask(as, "POST", `/messages/${id}/unread${query}`);

  test("counts the messages from there on as unread, until something is read, and tells only the user's own devices", async () => {
    const own = await joined(ben, `user:${ben}`);
    await web.ask(ben, "PATCH", `/messages/${ids[2]}/receipt`, {
      status: "read",
      conversation_id: conversationId,
    });
    expect(await unreadOf(ben)).toBe(0);
    expect(await unread()).toEqual({
      status: 200,
      body: {
        data: { message_id: ids[1], conversation_id: conversationId, status: "unread" },
        meta: {},
      },
    });
    expect(await unreadOf(ben)).toBe(2);
    const told = { message_id: ids[1], conversation_id: conversationId, own_rev: 1 };
    expect(await own.broadcasts(`user:${ben}`, 2)).toContainEqual(told);
    const again = { status: "read", conversation_id: conversationId };
    await whileTimePasses(clock, web.ask(ben, "PATCH", `/messages/${ids[2]}/receipt`, again));
    expect(await own.broadcasts(`user:${ben}`, 4)).toContainEqual({ ...told, message_id: null, own_rev: 2 });
    expect(await unreadOf(ben)).toBe(0);
  });

  test("is refused without a conversation, and finds nothing for strangers or by what is no id", async () => {
    expect(await unread(ben, ids[1], "")).toMatchObject(refused(422, "invalid_payload", "conversation_id"));
    expect(await unread(ben, ids[1], "?conversation_id=x")).toMatchObject(
      refused(422, "invalid_payload", "conversation_id"),
    );
    const missing = [await unread(carl), await unread(ben, nowhere), await unread(ben, "x")];
    for (const each of missing) expect(each).toMatchObject(refused(404, "not_found"));
  });
});

describe("receipts over the conversation's topic", () => {
  test.each([
    [
      "message_delivered",
      (id: string) => `{"message_id":"${id}"}`,
      "delivered",
      ["delivered", "delivered", "sent"],
    ],
    ["message_read", (id: string) => `{"message_id":"${id}"}`, "read", ["read", "read", "sent"]],
    ["message_read", () => `{"seq":2}`, "read", ["read", "read", "sent"]],
    ["mark_read", (id: string) => `{"message_id":"${id.toUpperCase()}"}`, "read", ["read", "read", "sent"]],
    ["mark_read", () => `{"seq":1}`, "read", ["read", "sent", "sent"]],
    ["message_read", () => `{"seq":"2"}`, "read", ["read", "read", "sent"]],
    ["mark_read", () => `{}`, "read", ["read", "read", "read"]],
    ["mark_read", () => `{"message_id":null,"seq":null}`, "read", ["read", "read", "read"]],
  ])("%s moves the mark", async (event, payload, status, after) => {
    const wire = await joined(ben);
    expect(await wire.push(topic, event, payload(ids[1]!))).toEqual({ status: "ok", response: { status } });
    expect(await statuses()).toEqual(after);
  });

  test("are told to who wrote, for each message and up to the newest", async () => {
    const writer = await joined(anna, `user:${anna}`);
    await (await joined(ben)).push(topic, "message_read", `{"message_id":"${ids[1]}"}`);
    const common = { conversation_id: conversationId, user_id: ben };
    const [, ...told] = await writer.broadcasts(`user:${anna}`, 4);
    expect(told).toMatchObject([
      { ...common, message_id: ids[1], seq: 2, status: "read" },
      { ...common, message_id: ids[0], seq: 1, status: "read" },
      { ...common, message_id: ids[1], seq: 2, timestamp: "2026-01-01T00:00:00.000000Z" },
    ]);
  });

  test("are told on the topic: who has read how far, once each", async () => {
    const [writer, reader] = [await joined(anna), await joined(ben)];
    await reader.push(topic, "message_delivered", `{"seq":3}`);
    await whileTimePasses(clock, reader.push(topic, "message_read", `{"seq":2}`));
    await whileTimePasses(clock, reader.push(topic, "message_read", `{"seq":1}`));
    await whileTimePasses(clock, writer.push(topic, "message_read", `{"seq":3}`));
    const told = {
      user_id: ben,
      message_id: ids[1],
      conversation_id: conversationId,
      seq: 2,
      timestamp: expect.any(String),
    };
    for (const each of [writer, reader]) expect(await each.told(topic)).toEqual([["message_read", told]]);
  });

  test("do not tell the id of a message to who came after it", async () => {
    const group = await web.groupOf(anna, [ben]);
    const groupTopic = `conversation:${group}`;
    const messageId = await web.sent(anna, group, "before carl");
    await web.ask(anna, "POST", `/conversations/${group}/members`, { user_id: carl });
    const later = await joined(carl, groupTopic);
    await (await joined(ben, groupTopic)).push(groupTopic, "mark_read", "{}");
    const next = await web.sent(anna, group, "for all");
    await whileTimePasses(clock, (await joined(ben, groupTopic)).push(groupTopic, "mark_read", "{}"));
    const told = (await later.told(groupTopic)).filter(([event]) => event === "message_read");
    expect(told).toMatchObject([
      ["message_read", { user_id: ben, message_id: null, seq: 1 }],
      ["message_read", { user_id: ben, message_id: next, seq: 2 }],
    ]);
    expect(JSON.stringify(told)).not.toContain(messageId);
  });

  test("mark_unread is answered, and private", async () => {
    const wire = await joined(ben);
    await wire.push(topic, "mark_read", "{}");
    const reply = await wire.push(topic, "mark_unread", `{"message_id":"${ids[2]}"}`);
    expect(reply).toEqual({ status: "ok", response: { status: "unread" } });
    expect([await unreadOf(ben), await unreadOf(anna)]).toEqual([1, 0]);
  });

  test.each([
    ["message_read", `{}`, "message_id"],
    ["message_delivered", `{}`, "message_id"],
    ["message_read", `{"message_id":"x"}`, "message_id"],
    ["message_read", `{"message_id":"${nowhere}","seq":1}`, "seq"],
    ["message_read", `{"seq":0}`, "seq"],
    ["message_read", `{"seq":1.5}`, "seq"],
    ["message_read", `{"seq":"0"}`, "seq"],
    ["message_read", `{"seq":"1.5"}`, "seq"],
    ["message_read", `{"seq":"1234567890123456"}`, "seq"],
    ["message_read", `{"seq":12345678901234567890}`, "seq"],
    ["mark_unread", `{}`, "message_id"],
  ])("%s with %s is refused because of %s", async (event, payload, field) => {
    const { response } = await (await joined(ben)).push(topic, event, payload);
    expect(response).toMatchObject({ reason: "invalid_payload" });
    expect(Object.keys(response.details as object)).toEqual([field]);
  });

  test.each(["message_read", "message_delivered", "mark_read", "mark_unread"])(
    "%s of a message that there is not is refused",
    async (event) => {
      const reply = await (await joined(ben)).push(topic, event, `{"message_id":"${nowhere}"}`);
      expect(reply).toMatchObject({ status: "error", response: { reason: "not_found" } });
    },
  );

  test("that meet a bug are answered without it", async () => {
    const wire = await joined(ben);
    const error = new Error("secret db password");
    web.store.actorReads.findSeqs = () => Promise.reject(error);
    web.commits.outcomeOf = () => ({ type: "refused", cause: "data", error });
    for (const payload of [`{"seq":1}`, `{"message_id":"${ids[0]}"}`]) {
      const reply = await wire.push(topic, "message_read", payload);
      expect(reply).toMatchObject({ status: "error", response: { reason: "internal" } });
      expect(JSON.stringify(reply)).not.toContain("secret");
    }
    expect(web.bugs).toHaveLength(2);
  });
});

describe("receipts over the user's own topic", () => {
  const own = `user:${ben}`;

  test.each([
    ["message_delivered", { seq: 2 }, "delivered", ["delivered", "delivered", "sent"]],
    ["message_read", { seq: 1 }, "read", ["read", "sent", "sent"]],
  ])("%s names its conversation and moves the mark", async (event, payload, status, after) => {
    const wire = await joined(ben, own);
    const text = JSON.stringify({ conversation_id: conversationId.toUpperCase(), ...payload });
    expect(await wire.push(own, event, text)).toEqual({ status: "ok", response: { status } });
    expect(await statuses()).toEqual(after);
  });

  test("mark_conversation_read names its conversation, moves the mark and answers how many messages it marked", async () => {
    const wire = await joined(ben, own);
    const payload = JSON.stringify({ conversation_id: conversationId.toUpperCase() });
    const mark = () => whileTimePasses(clock, wire.push(own, "mark_conversation_read", payload));
    const ok = (messages_marked: number) => ({ status: "ok", response: { status: "read", messages_marked } });
    expect(await mark()).toEqual(ok(3) as never);
    expect(await statuses()).toEqual(["read", "read", "read"]);
    expect(await mark()).toEqual(ok(0) as never);
    await web.sent(anna, conversationId, "four");
    expect(await mark()).toEqual(ok(1) as never);
  });

  test("take a message by its id as well", async () => {
    const wire = await joined(ben, own);
    const payload = `{"conversation_id":"${conversationId}","message_id":"${ids[0]}"}`;
    expect((await wire.push(own, "message_read", payload)).status).toBe("ok");
    expect(await statuses()).toEqual(["read", "sent", "sent"]);
  });

  test.each([
    ["message_read", `{"seq":1}`, "conversation_id"],
    ["message_read", `{"conversation_id":"${nowhere}"}`, "message_id"],
    ["mark_conversation_read", `{}`, "conversation_id"],
  ])("%s with %s is refused because of %s", async (event, payload, field) => {
    const { response } = await (await joined(ben, own)).push(own, event, payload);
    expect(response).toMatchObject({ reason: "invalid_payload" });
    expect(Object.keys(response.details as object)).toEqual([field]);
  });

  test("are refused for conversations of others", async () => {
    const wire = await joined(carl, `user:${carl}`);
    const payload = `{"conversation_id":"${conversationId}"}`;
    const reply = await wire.push(`user:${carl}`, "mark_conversation_read", payload);
    expect(reply).toMatchObject({ status: "error", response: { reason: "not_found" } });
    expect(await statuses()).toEqual(["sent", "sent", "sent"]);
  });
});
