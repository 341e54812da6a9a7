import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";
const hourUs = 60 * 60 * 1_000_000;

let web: Fixture;
let clock: VirtualClock;
let conversationId: string;
let messageId: string;
let topic: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  conversationId = await web.conversationOf(anna, ben);
  topic = `conversation:${conversationId}`;
  messageId = await web.sent(anna, conversationId, "helo");
});
afterEach(() => web.stop());

async function joined(userId: string) {
  const wire = await web.socketOf(userId);
  await wire.join(topic);
  return wire;
}

describe("editing over REST", () => {
  const edit = (body: object, as = anna, id = messageId, query = "") =>
    web.ask(as, "PUT", `/messages/${id}${query}`, body);

  test("answers 200 with the message as it is now, at both prefixes", async () => {
    await clock.runFor(1_000);
    const edited = await edit({ content: "hello", conversation_id: conversationId, metadata: { a: 1 } });
    const edited_at = "2026-01-01T00:00:01.000000Z";
    expect(edited).toMatchObject({
      status: 200,
      body: {
        data: { id: messageId, seq: 1, rev: 2, content: "hello", metadata: { a: 1 }, edited_at },
        meta: { edited: true, edited_at },
      },
    });
    const body = { content: "hello!", conversation_id: conversationId.toUpperCase() };
    const response = await web.fetch("PUT", `/messaging/api/v1/messages/${messageId.toUpperCase()}`, {
      as: anna,
      body,
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ data: { content: "hello!", metadata: { a: 1 } } });
  });

  test("takes the conversation from the query as well, but not two different ones", async () => {
    const query = `?conversation_id=${conversationId}`;
    expect((await edit({ content: "hello" }, anna, messageId, query)).status).toBe(200);
    const other = await edit({ content: "x", conversation_id: nowhere }, anna, messageId, query);
    expect(other).toMatchObject(refused(422, "invalid_payload", "conversation_id"));
    const unreadable = await edit({ content: "x" }, anna, messageId, "?conversation_id=x");
    expect(unreadable).toMatchObject(refused(422, "invalid_payload", "conversation_id"));
  });

  test.each([
    [{}, "content"],
    [{ content: "" }, "content"],
    [{ content: 7 }, "content"],
    [{ content: "x".repeat(65_537) }, "content"],
    [{ content: "x", metadata: "{}" }, "metadata"],
    [{ content: "x", metadata: { a: "x".repeat(16_384) } }, "metadata"],
    [{ content: "x", conversation_id: "x" }, "conversation_id"],
    [{ content: "x", conversation_id: null }, "conversation_id"],
    [{ content: "x", message_id: nowhere }, "message_id"],
    [{ content: "x", signature: "AA==" }, "signature"],
  ])("refuses %j because of %s", async (body, field) => {
    const answer = await edit({ conversation_id: conversationId, ...body });
    expect(answer).toMatchObject(refused(422, "invalid_payload", field));
  });

  test("is the author's, within 24 hours, and not of what is deleted", async () => {
    const body = { content: "hello", conversation_id: conversationId };
    expect(await edit(body, ben)).toMatchObject(refused(403, "forbidden"));
    clock.stepWallClock(24 * hourUs);
    expect((await edit(body)).status).toBe(200);
    await clock.runFor(1);
    expect(await edit(body)).toMatchObject(refused(409, "conflict"));
    const other = await web.sent(anna, conversationId, "x");
    await web.ask(anna, "DELETE", `/messages/${other}?conversation_id=${conversationId}`);
    expect(await edit(body, anna, other)).toMatchObject(refused(409, "conflict"));
  });

  test("finds no message by an id that is none, and no conversation for strangers", async () => {
    const body = { content: "hello", conversation_id: conversationId };
    const missing = [await edit(body, anna, nowhere), await edit(body, anna, "x")];
    expect(missing[0]).toMatchObject(refused(404, "not_found"));
    expect(missing[1]).toEqual(missing[0]!);
    const strange = [
      await edit(body, carl),
      await edit(body, carl, "x"),
      await edit({ ...body, conversation_id: nowhere }, carl),
    ];
    expect(strange[0]).toMatchObject(refused(404, "not_found"));
    expect(new Set(strange.map((each) => JSON.stringify(each))).size).toBe(1);
  });
});

describe("deleting over REST", () => {
  const remove = (query: string, as = anna, id = messageId) =>
    web.ask(as, "DELETE", `/messages/${id}?conversation_id=${conversationId}${query}`);

  test("for everyone answers 200 and leaves a tombstone without content", async () => {
    await clock.runFor(1_000);
    expect(await remove("&delete_for_everyone=true")).toEqual({
      status: 200,
      body: {
        data: {
          id: messageId,
          is_deleted: true,
          delete_for_everyone: true,
          deleted_at: "2026-01-01T00:00:01.000000Z",
        },
        meta: {},
      },
    });
    const history = await web.ask(ben, "GET", `/conversations/${conversationId}/messages`);
    expect(history.body).toMatchObject({
      data: [{ id: messageId, seq: 1, rev: 2, content: "", is_deleted: true, delete_for_everyone: true }],
    });
  });

  test("is for everyone when nothing is said, and changes nothing the second time", async () => {
    expect((await remove("")).status).toBe(200);
    expect(await remove("")).toMatchObject({
      status: 200,
      body: { data: { id: messageId, is_deleted: true } },
    });
    const shown = await web.ask(anna, "GET", `/conversations/${conversationId}`);
    expect(shown.body).toMatchObject({ data: { head_rev: 2 } });
  });

  test.each(["&delete_for_everyone=false", "&delete_for_everyone=1", "&delete_for_everyone="])(
    "with %s is refused",
    async (query) => {
      expect(await remove(query)).toMatchObject(refused(422, "invalid_payload", "delete_for_everyone"));
    },
  );

  test("needs to know the conversation", async () => {
    const answer = await web.ask(anna, "DELETE", `/messages/${messageId}`);
    expect(answer).toMatchObject(refused(422, "invalid_payload", "conversation_id"));
  });

  test("is the author's, within 48 hours; strangers find nothing", async () => {
    expect(await remove("", ben)).toMatchObject(refused(403, "forbidden"));
    expect(await remove("", carl)).toMatchObject(refused(404, "not_found"));
    expect(await remove("", anna, "x")).toMatchObject(refused(404, "not_found"));
    clock.stepWallClock(48 * hourUs + 1_000);
    expect(await remove("")).toMatchObject(refused(409, "conflict"));
  });

  test("is for whoever moderates a group as well, at any time", async () => {
    const group = await web.groupOf(anna, [ben]);
    const bens = await web.sent(ben, group, "spam");
    clock.stepWallClock(100 * hourUs);
    const answer = await web.ask(anna, "DELETE", `/messages/${bens}?conversation_id=${group}`);
    expect(answer.status).toBe(200);
  });
});

describe("over a channel", () => {
  test("an edit is answered with the message and told to the conversation under both names, with its revision", async () => {
    const [author, reader] = [await joined(anna), await joined(ben)];
    const payload = `{"message_id":"${messageId}","content":"hello","conversation_id":"${conversationId}"}`;
    const { status, response } = await author.push(topic, "edit_message", payload);
    expect([status, response]).toMatchObject([
      "ok",
      { message: { id: messageId, content: "hello", rev: 2 } },
    ]);
    const told = { ...response, conversation_id: conversationId, rev: 2 };
    expect(await reader.broadcasts(topic, 2)).toEqual([told, told]);
  });

  test("a deletion is answered with the tombstone and told once; again it changes nothing and tells of nothing", async () => {
    const [author, reader] = [await joined(anna), await joined(ben)];
    const remove = () =>
      author.push(topic, "delete_message", `{"message_id":"${messageId}","delete_for_everyone":true}`);
    const { status, response } = await remove();
    expect([status, response]).toMatchObject(["ok", { message: { content: "", is_deleted: true } }]);
    expect(await remove()).toEqual({ status: "ok", response });
    expect(await reader.broadcasts(topic, 1)).toEqual([
      {
        id: messageId,
        message_id: messageId,
        conversation_id: conversationId,
        seq: 1,
        rev: 2,
        delete_for_everyone: true,
        message: response.message,
      },
    ]);
  });

  test.each([
    ["edit_message", `{"content":"x"}`, "message_id"],
    ["edit_message", `{"content":"x","message_id":"x"}`, "message_id"],
    ["edit_message", `{"message_id":"${nowhere}"}`, "content"],
    ["edit_message", `{"message_id":"${nowhere}","content":"x","metadata":[]}`, "metadata"],
    ["delete_message", `{}`, "message_id"],
    ["delete_message", `{"message_id":"${nowhere}","delete_for_everyone":false}`, "delete_for_everyone"],
  ])("%s with %s is refused because of %s", async (event, payload, field) => {
    const { response } = await (await joined(anna)).push(topic, event, payload);
    expect(response).toMatchObject({ reason: "invalid_payload" });
    expect(Object.keys(response.details as object)).toEqual([field]);
  });

  test("refusals of the engine are told by name", async () => {
    const wire = await joined(ben);
    const edit = (id: string) => wire.push(topic, "edit_message", `{"message_id":"${id}","content":"x"}`);
    expect((await edit(messageId)).response).toMatchObject({ reason: "forbidden" });
    expect((await edit(nowhere)).response).toMatchObject({ reason: "not_found" });
  });
});
