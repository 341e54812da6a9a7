import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";
import type { Wire } from "../testing/web/wire.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
let id: string;
let topic: string;
let question: string;
beforeEach(async () => {
  web = new Fixture({ clock: new VirtualClock() });
  id = await web.groupOf(anna, [ben]);
  topic = `conversation:${id}`;
  question = await web.sent(anna, id, "question");
});
afterEach(() => web.stop());

const reply = (as: string, given: object = {}) =>
  web.ask(as, "POST", `/conversations/${id}/messages`, {
    content: "answer",
    reply_to_id: question,
    ...given,
  });

const quoted = () => ({
  id: question,
  seq: 1,
  sender_id: anna,
  message_type: "text",
  content: "question",
  is_deleted: false,
});

async function lastOf(userId: string): Promise<Record<string, unknown>> {
  const { body } = await web.ask(userId, "GET", `/conversations/${id}/messages`);
  return (body as { data: Record<string, unknown>[] }).data[0]!;
}

/** What was told of new messages on the topic. Who replies has read, which is told beside them. */
async function messagesTold(wire: Wire): Promise<unknown[]> {
  const told = await wire.told(topic);
  return told.filter(([event]) => event === "new_message").map(([, payload]) => payload);
}

async function joined(userId: string) {
  const wire = await web.socketOf(userId);
  await wire.join(topic);
  return wire;
}

test("a reply is answered, told and read with the message that it answers; others name none", async () => {
  const wire = await joined(ben);
  const sent = await reply(ben);
  const expected = { content: "answer", reply_to_id: question, reply_to: quoted(), status: "sent" };
  expect(sent).toMatchObject({ status: 201, body: { data: expected } });
  expect(await lastOf(anna)).toMatchObject(expected);
  expect(await messagesTold(wire)).toEqual([{ message: (sent.body as { data: unknown }).data }]);
  const plain = await web.ask(ben, "POST", `/conversations/${id}/messages`, {
    content: "x",
    reply_to_id: null,
  });
  expect(plain).toMatchObject({ body: { data: { reply_to_id: null } } });
  expect((plain.body as { data: object }).data).not.toHaveProperty("reply_to");
});

test("over a socket likewise", async () => {
  const wire = await joined(ben);
  const payload = JSON.stringify({ content: "answer", reply_to_id: question.toUpperCase() });
  const { status, response } = await wire.push(topic, "new_message", payload);
  expect([status, response]).toMatchObject([
    "ok",
    { message: { reply_to_id: question, reply_to: quoted() } },
  ]);
});

test("what is answered is shown as it is by now: edited, and deleted without what it said", async () => {
  await reply(ben);
  await web.ask(anna, "PUT", `/messages/${question}`, { content: "better", conversation_id: id });
  expect(await lastOf(ben)).toMatchObject({ reply_to: { ...quoted(), content: "better" } });
  await web.ask(anna, "DELETE", `/messages/${question}?conversation_id=${id}`);
  expect(await lastOf(ben)).toMatchObject({
    reply_to: { id: question, content: null, is_deleted: true },
  });
  expect((await reply(ben)).status).toBe(201);
});

describe("I8: of what was before he came, a member", () => {
  beforeEach(async () => {
    await web.ask(anna, "POST", `/conversations/${id}/members`, { user_id: carl });
  });

  test("reads and hears a reply without what it answers, on both topics", async () => {
    const [old, late] = [await joined(ben), await joined(carl)];
    const own = await web.socketOf(carl);
    await own.join(`user:${carl}`);
    await reply(ben);
    expect(await lastOf(carl)).toMatchObject({ content: "answer", reply_to_id: question, reply_to: null });
    expect(await lastOf(ben)).toMatchObject({ reply_to: quoted() });
    expect(await messagesTold(late)).toMatchObject([{ message: { reply_to: null } }]);
    expect(await messagesTold(old)).toMatchObject([{ message: { reply_to: quoted() } }]);
    const heard = (await own.broadcasts(`user:${carl}`, 2)) as { message?: object }[];
    expect(heard.filter((each) => each.message)).toMatchObject([{ message: { reply_to: null } }]);
  });

  test("hears of the edit of a reply without what it answers", async () => {
    const sent = await reply(ben);
    const late = await joined(carl);
    const { data } = sent.body as { data: { id: string } };
    await web.ask(ben, "PUT", `/messages/${data.id}`, { content: "better", conversation_id: id });
    const told = {
      conversation_id: id,
      message: { content: "better", reply_to_id: question, reply_to: null },
    };
    expect(await late.broadcasts(topic, 2)).toMatchObject([told, told]);
  });

  test("can answer nothing", async () => {
    const missing = refused(422, "invalid_payload", "reply_to_id");
    expect(await reply(carl)).toMatchObject(missing);
    expect(await reply(carl, { reply_to_id: nowhere })).toMatchObject(missing);
  });

  test("gets back what he sent before he left without what it answered", async () => {
    await reply(ben, { client_random: 7 });
    await web.ask(ben, "POST", `/conversations/${id}/leave`, { allow_readding: true });
    await web.ask(anna, "POST", `/conversations/${id}/members`, { user_id: ben });
    expect(await reply(ben, { client_random: 7 })).toMatchObject({
      status: 200,
      body: { data: { reply_to_id: question, reply_to: null }, meta: { duplicate: true, differs: false } },
    });
  });
});

test("I3: sent again is a duplicate whatever it says that it answers, and differs when that is another message", async () => {
  const first = await reply(ben, { client_random: 7 });
  const again = await reply(ben, { client_random: 7, reply_to_id: nowhere });
  expect(again).toMatchObject({ status: 200, body: { meta: { duplicate: true, differs: true } } });
  expect((again.body as { data: object }).data).toEqual((first.body as { data: object }).data);
  expect(await reply(ben, { client_random: 7 })).toMatchObject({ body: { meta: { differs: false } } });
});

test.each([["x"], [7], [{}], [""]])("a reply to %j is refused by the field's name", async (reply_to_id) => {
  expect(await reply(ben, { reply_to_id })).toMatchObject(refused(422, "invalid_payload", "reply_to_id"));
});
