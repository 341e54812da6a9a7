import { afterEach, beforeEach, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";

let web: Fixture;
let conversationId: string;
beforeEach(async () => {
  web = new Fixture({ clock: new VirtualClock() });
  conversationId = await web.conversationOf(anna, ben);
});
afterEach(() => web.stop());

interface Data {
  readonly id: string;
}

async function dataOf(as: string, method: string, path: string, body: object): Promise<Data> {
  const { status, body: answer } = await web.ask(as, method, path, body);
  expect(status).toBeOneOf([200, 201]);
  return (answer as { data: Data }).data;
}

test("what stands in a message or a conversation object is read as if it stood alone", async () => {
  const sent = await dataOf(anna, "POST", "/messages", {
    conversation_id: conversationId,
    message: { content: "one", message_type: "text", client_random: 7 },
  });
  expect(sent).toMatchObject({ content: "one", client_random: 7, conversation_id: conversationId });
  const path = `/conversations/${conversationId}/messages`;
  expect(await dataOf(ben, "POST", path, { message: { content: "two" } })).toMatchObject({ content: "two" });
  const edited = { message: { content: "better", conversation_id: conversationId } };
  expect(await dataOf(anna, "PUT", `/messages/${sent.id}`, edited)).toMatchObject({ content: "better" });

  const group = { type: "group", name: "hikers", member_ids: [ben] };
  const { id } = await dataOf(anna, "POST", "/conversations", { conversation: group });
  const renamed = { conversation: { name: "climbers", metadata: { a: 1 } } };
  expect(await dataOf(anna, "PUT", `/conversations/${id}`, renamed)).toMatchObject({
    name: "climbers",
    metadata: { a: 1 },
    member_user_ids: [anna, ben],
  });
  const direct = { conversation: { type: "direct", other_user_id: ben } };
  expect((await dataOf(anna, "POST", "/conversations", direct)).id).toBe(conversationId);
  expect(web.unknownFields).toEqual([]);
});

test("over a channel too", async () => {
  const topic = `conversation:${conversationId}`;
  const wire = await web.socketOf(anna);
  await wire.join(topic);
  const sent = await wire.push(topic, "new_message", `{"message":{"content":"one"}}`);
  expect(sent).toMatchObject({ status: "ok", response: { message: { content: "one" } } });
});

test("the topic of a channel decides which conversation it is, whatever the payload or the message in it names", async () => {
  const topic = `conversation:${conversationId}`;
  const wire = await web.socketOf(anna);
  await wire.join(topic);
  for (const named of ["none", 7, carl]) {
    const message = { content: "one", conversation_id: named };
    for (const payload of [message, { message }, { conversation_id: named, message }]) {
      const sent = await wire.push(topic, "new_message", JSON.stringify(payload));
      expect(sent).toMatchObject({
        status: "ok",
        response: { message: { content: "one", conversation_id: conversationId } },
      });
    }
  }
});

test("it decides likewise which conversation is changed", async () => {
  const { id } = await dataOf(anna, "POST", "/conversations", { type: "group", name: "x", user_ids: [ben] });
  const wire = await web.socketOf(anna);
  await wire.join(`conversation:${id}`);
  const payload = JSON.stringify({ conversation: { name: "climbers", conversation_id: conversationId } });
  const changed = await wire.push(`conversation:${id}`, "update_conversation", payload);
  expect(changed).toMatchObject({
    status: "ok",
    response: { conversation: { id, metadata: { name: "climbers" } } },
  });
});

test("a nested field is refused as it would be alone", async () => {
  const answer = await web.ask(anna, "POST", "/messages", {
    conversation_id: conversationId,
    message: { content: 7 },
  });
  expect(answer).toMatchObject({
    status: 422,
    body: { error: "invalid_payload", details: { content: "must be a string" } },
  });
});

test("member_ids names users as user_ids does", async () => {
  const { id } = await dataOf(anna, "POST", "/conversations", {
    type: "group",
    name: "x",
    member_ids: [ben],
  });
  const added = await dataOf(anna, "POST", `/conversations/${id}/members`, { member_ids: [carl] });
  expect(added).toMatchObject([{ user_id: carl }]);
  const direct = await dataOf(anna, "POST", "/conversations", { type: "direct", member_ids: [anna, ben] });
  expect(direct.id).toBe(conversationId);
});

test("what an operation does not know is ignored and counted by its name, fields and query parameters alike", async () => {
  const path = `/conversations/${conversationId}/messages`;
  await dataOf(anna, "POST", path, { content: "x", tempId: "a", type: "rejection", sent_at: 1 });
  const media = { media_id: "1", media_type: "image", url: "x" };
  await dataOf(anna, "POST", path, { content: "", message_type: "media", attachments: [media] });
  expect(await web.ask(anna, "GET", `${path}?limit=1&tempId=a&x=1&x=2&before=9`)).toMatchObject({
    status: 200,
  });
  expect(await web.ask(anna, "GET", "/conversations?include_archived=true&tempId=a")).toMatchObject({
    status: 200,
  });
  expect(web.unknownFields).toEqual([
    ["send_message", 3],
    ["attach_media", 1],
    ["GET /conversations/:id/messages", 3],
    ["GET /conversations", 1],
  ]);
});
