import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
let id: string;
let topic: string;
let messageId: string;
beforeEach(async () => {
  web = new Fixture({ clock: new VirtualClock() });
  id = await web.conversationOf(anna, ben);
  topic = `conversation:${id}`;
  messageId = await web.sent(anna, id, "hello");
});
afterEach(() => web.stop());

const react = (as: string, reaction: unknown, message = messageId) =>
  web.ask(as, "POST", `/messages/${message}/reactions`, { reaction, user_id: as });
const unreact = (as: string, reaction: string, message = messageId) =>
  web.ask(as, "DELETE", `/messages/${message}/reactions/${encodeURIComponent(reaction)}?user_id=${as}`);
const shown = (as: string, message = messageId) => web.ask(as, "GET", `/messages/${message}/reactions`);

async function joined(userId: string) {
  const wire = await web.socketOf(userId);
  await wire.join(topic);
  return wire;
}

describe("over REST", () => {
  test("a reaction is answered 201, listed with its count, and part of its message from then on", async () => {
    const given = await react(ben, "👍");
    const expected = { id: expect.any(String), message_id: messageId, user_id: ben, reaction: "👍" };
    expect(given).toMatchObject({ status: 201, body: { data: expected } });
    const { data } = given.body as { data: { id: string } };
    expect(await react(anna, "👍")).toMatchObject({ status: 201 });
    expect(await react(anna, "❤️")).toMatchObject({ status: 201 });
    expect(await shown(anna)).toMatchObject({
      status: 200,
      body: {
        data: [data, { user_id: anna, reaction: "👍" }, { user_id: anna, reaction: "❤️" }],
        meta: { message_id: messageId, summary: { "👍": 2, "❤️": 1 } },
      },
    });
    const { body } = await web.ask(ben, "GET", `/conversations/${id}/messages`);
    expect(body).toMatchObject({
      data: [{ id: messageId, rev: 4, reactions: [data, {}, {}], reaction_summary: { "👍": 2, "❤️": 1 } }],
    });
  });

  test("the same again is answered 200 with the one that is there, and nobody is told", async () => {
    const wire = await joined(anna);
    const first = await react(ben, "👍");
    const again = await react(ben, "👍");
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    await web.sent(ben, id, "next");
    const told = (await wire.told(topic)).filter(([event]) => event !== "message_read");
    expect(told.map(([, payload]) => payload)).toMatchObject([{ reaction: "👍" }, { message: { rev: 3 } }]);
  });

  test("it is taken back by whoever gave it, under a path that holds any emoji", async () => {
    for (const reaction of ["👩‍👩‍👧‍👦", "a/b", "100%", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]) {
      expect((await react(ben, reaction)).status).toBe(201);
      expect(await unreact(anna, reaction)).toMatchObject(refused(404, "not_found"));
      expect(await unreact(ben, reaction)).toEqual({
        status: 200,
        body: { data: { message_id: messageId, reaction, deleted: true }, meta: {} },
      });
      expect(await unreact(ben, reaction)).toMatchObject(refused(404, "not_found"));
    }
    expect(await shown(ben)).toMatchObject({ status: 200, body: { data: [], meta: { summary: {} } } });
    const { body } = await web.ask(ben, "GET", `/conversations/${id}/messages`);
    expect((body as { data: object[] }).data[0]).not.toHaveProperty("reactions");
  });

  test.each([
    ["a family", "👩‍👩‍👧‍👦"],
    ["the longest emoji", "👩🏽‍❤️‍💋‍👨🏿"],
    ["a flag", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
    ["ten flags", "🇫🇷".repeat(10)],
    ["ten letters", "abcdefghij"],
    ["a keycap", "1️⃣"],
    ["a heart with its selector", "❤️"],
    ["an emoji of a later Unicode", "\u{1faff}"],
  ])("%s is one to ten characters", async (_, reaction) => {
    expect((await react(ben, reaction)).status).toBe(201);
    expect(await shown(ben)).toMatchObject({ body: { data: [{ reaction }] } });
  });

  test.each([
    [""],
    ["abcdefghijk"],
    ["👍".repeat(11)],
    ["a\u0000"],
    ["\n"],
    [" "],
    ["\u200b"],
    ["\ufe0f\u200d"],
    ["\u{e0067}\u{e007f}"],
    ["\u20e3"],
    ["\u2800"],
    ["👍\u202e"],
    [`a${"\u0301".repeat(64)}`],
    [7],
    ["."],
    [".."],
    [null],
    [undefined],
  ])("refuses %j by the field's name", async (reaction) => {
    expect(await react(ben, reaction)).toMatchObject(refused(422, "invalid_payload", "reaction"));
  });

  test("says why it is refused; what 0.3 stored and shows nothing can still be taken back", async () => {
    const wire = await joined(ben);
    const payload = JSON.stringify({ message_id: messageId, reaction: "\u200b" });
    expect(await wire.push(topic, "add_reaction", payload)).toMatchObject({
      status: "error",
      response: {
        reason: "invalid_payload",
        message: expect.stringContaining("must hold a visible character"),
      },
    });
    expect(await unreact(ben, "\u200b")).toMatchObject(refused(404, "not_found"));
    expect(await wire.push(topic, "remove_reaction", payload)).toMatchObject({
      response: { reason: "not_found" },
    });
  });

  test("refuses half of a surrogate pair and an undecodable path", async () => {
    const path = `/messages/${messageId}/reactions`;
    const half = await web.ask(ben, "POST", path, `{"reaction":"\\ud83d"}`);
    expect(half).toMatchObject(refused(422, "invalid_payload", "reaction"));
    expect((await web.ask(ben, "DELETE", `${path}/%ff`)).status).toBeGreaterThanOrEqual(400);
    expect(web.bugs).toEqual([]);
  });

  test("I8: a stranger cannot tell whether a message exists, nor who comes later what was before", async () => {
    const group = await web.groupOf(anna, [ben]);
    const old = await web.sent(anna, group, "old");
    await web.ask(anna, "POST", `/conversations/${group}/members`, { user_id: carl });
    const missing = await Promise.all(
      [messageId, nowhere, "x", old].flatMap((each) => [
        react(carl, "👍", each),
        unreact(carl, "👍", each),
        shown(carl, each),
        web.ask(carl, "GET", `/messages/${each}/attachments`),
      ]),
    );
    expect(missing[0]).toMatchObject(refused(404, "not_found"));
    expect(new Set(missing.map((each) => JSON.stringify(each))).size).toBe(1);
    const named = await web.ask(carl, "POST", `/messages/${old}/reactions?conversation_id=${group}`, {
      reaction: "👍",
    });
    expect(named).toEqual(missing[0]!);
  });

  test("there are no reactions to a deleted message, and those that were are gone", async () => {
    await react(ben, "👍");
    await web.ask(anna, "DELETE", `/messages/${messageId}?conversation_id=${id}`);
    expect(await react(ben, "❤️")).toMatchObject(refused(409, "conflict"));
    expect(await unreact(ben, "👍")).toMatchObject(refused(404, "not_found"));
    expect(await shown(ben)).toMatchObject({ body: { data: [] } });
  });

  test("a member has at most twenty different ones on a message", async () => {
    for (let index = 0; index < 20; index++) expect((await react(ben, `r${index}`)).status).toBe(201);
    expect(await react(ben, "one more")).toMatchObject(refused(409, "conflict"));
    expect((await react(ben, "r7")).status).toBe(200);
    expect((await react(anna, "one more")).status).toBe(201);
    await unreact(ben, "r7");
    expect((await react(ben, "one more")).status).toBe(201);
  });
});

describe("over a channel", () => {
  const payload = (reaction: string) => JSON.stringify({ message_id: messageId, reaction });

  test("reactions come and go, answered to whoever gives them and told to all", async () => {
    const [author, reader] = [await joined(anna), await joined(ben)];
    const own = await web.socketOf(ben);
    await own.join(`user:${ben}`);
    const added = await author.push(topic, "add_reaction", payload("👍"));
    expect(added).toMatchObject({
      status: "ok",
      response: { reaction: { message_id: messageId, user_id: anna, reaction: "👍" } },
    });
    const again = await author.push(topic, "add_reaction", payload("👍"));
    expect(again).toEqual(added);
    const removed = await author.push(topic, "remove_reaction", payload("👍"));
    expect(removed).toEqual({ status: "ok", response: { status: "removed" } });
    const told = { conversation_id: id, message_id: messageId, seq: 1, user_id: anna, reaction: "👍" };
    const both = [
      { ...told, rev: 2 },
      { ...told, rev: 3 },
    ];
    expect(await reader.broadcasts(topic, 2)).toEqual(both);
    const heard = await own.broadcasts(`user:${ben}`, 3);
    expect(heard.slice(-2)).toEqual(both);
  });

  test("what is refused names its field, and the channel lives on", async () => {
    const wire = await joined(ben);
    const push = (body: string) => wire.push(topic, "add_reaction", body);
    for (const [body, field] of [
      [`{"reaction":"👍"}`, "message_id"],
      [`{"message_id":"${messageId}"}`, "reaction"],
    ] as const) {
      const { status, response } = await push(body);
      expect([status, response.reason, Object.keys(response.details as object)]).toEqual([
        "error",
        "invalid_payload",
        [field],
      ]);
    }
    expect(await wire.push(topic, "remove_reaction", payload("👍"))).toMatchObject({
      status: "error",
      response: { reason: "not_found" },
    });
    expect((await push(payload("👍"))).status).toBe("ok");
  });
});

test("a member who does not see the message hears of a reaction as a number", async () => {
  const group = await web.groupOf(anna, [ben]);
  const old = await web.sent(anna, group, "old");
  await web.ask(anna, "POST", `/conversations/${group}/members`, { user_id: carl });
  const wire = await web.socketOf(carl);
  await wire.join(`conversation:${group}`);
  await react(ben, "👍", old);
  expect(await wire.broadcasts(`conversation:${group}`, 1)).toEqual([{ conversation_id: group, rev: 3 }]);
});
