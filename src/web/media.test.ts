import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const hourUs = 60 * 60 * 1_000_000;

let web: Fixture;
let clock: VirtualClock;
let id: string;
let topic: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  id = await web.conversationOf(anna, ben);
  topic = `conversation:${id}`;
});
afterEach(() => web.stop());

const send = (given: object) =>
  web.ask(anna, "POST", `/conversations/${id}/messages`, { content: "", message_type: "media", ...given });

async function sent(given: object): Promise<Record<string, unknown> & { readonly id: string }> {
  const { status, body } = await send(given);
  expect(status).toBe(201);
  return (body as { data: Record<string, unknown> & { id: string } }).data;
}

const attach = (as: string, messageId: string, body: object) =>
  web.ask(as, "POST", `/messages/${messageId}/attachments`, body);
const shown = (messageId: string) => web.ask(ben, "GET", `/messages/${messageId}/attachments`);

const image = { media_id: "0192a7c0-0000-7000-8000-0000000000aa", media_type: "image" };

async function joined(userId: string) {
  const wire = await web.socketOf(userId);
  await wire.join(topic);
  return wire;
}

describe("media that are sent", () => {
  test("come with their message, in order, and their metadata as they were", async () => {
    const wire = await joined(ben);
    const metadata = `{"size":1.5,"big":12345678901234567890,"name":"é\\u0000"}`;
    const body = `{"content":"","message_type":"media","attachments":[
      {"media_id":"one","media_type":"image","metadata":${metadata}},{"media_id":"two","media_type":"file"}]}`;
    const response = await web.fetch("POST", `/api/v1/conversations/${id}/messages`, { as: anna, body });
    const text = await response.text();
    expect(text).toContain(`"metadata":{"size":1.5,"big":12345678901234567890,"name":"é\\u0000"}`);
    const { data } = JSON.parse(text);
    expect(data).toMatchObject({
      message_type: "media",
      attachments: [
        { id: expect.any(String), message_id: data.id, media_id: "one", media_type: "image" },
        { id: expect.any(String), message_id: data.id, media_id: "two", media_type: "file", metadata: {} },
      ],
    });
    expect(data.attachments[0].created_at).toBe(data.sent_at);
    expect(await wire.broadcasts(topic, 1)).toEqual([{ message: data }]);
    expect(await shown(data.id)).toEqual({
      status: 200,
      body: { data: data.attachments, meta: { message_id: data.id, count: 2 } },
    });
    const { body: page } = await web.ask(ben, "GET", `/conversations/${id}/messages`);
    expect((page as { data: object[] }).data[0]).toMatchObject({ attachments: data.attachments });
  });

  test("say beside their metadata what the existing client looks for there", async () => {
    const wholes = { filename: 'a "b".jpg', size: 0, mime_type: "image/jpeg", duration: 1.5 };
    const urls = { media_url: "/media/v1/1/blob", thumbnail_url: "/media/v1/1/thumbnail" };
    const unknown = { mime_type: null, filename: null, size: null, duration: null, media_url: null };
    const wrong = {
      filename: 7,
      size: "12",
      mime_type: ["x"],
      duration: -1,
      media_url: {},
      thumbnail_url: true,
    };
    const given = [{ ...wholes, ...urls }, undefined, {}, wrong, { ...wholes, filename: undefined }];
    const attachments = given.map((metadata, index) => ({ ...image, media_id: `${index}`, metadata }));
    const told = [
      { media_type: "image", file_type: "image", ...wholes, ...urls },
      ...Array(3).fill({ file_type: "image", ...unknown, thumbnail_url: null }),
      { ...wholes, filename: null, media_url: null, thumbnail_url: null },
    ];
    const data = await sent({ attachments });
    expect(data.attachments).toMatchObject(told);
    const { body } = await shown(data.id);
    expect((body as { data: object[] }).data).toMatchObject(told);
    const added = await attach(anna, data.id, { ...image, media_id: "new", metadata: wholes });
    expect(added).toMatchObject({ status: 201, body: { data: { file_type: "image", ...wholes } } });
  });

  test("keep the digits of a size that no double holds", async () => {
    const body = `{"content":"","message_type":"media","attachments":[
      {"media_id":"1","media_type":"file","metadata":{"size":12345678901234567890,"duration":-12345678901234567890}}]}`;
    const response = await web.fetch("POST", `/api/v1/conversations/${id}/messages`, { as: anna, body });
    expect(await response.text()).toContain(
      `"size":12345678901234567890,"media_url":null,"thumbnail_url":null,"duration":null,`,
    );
  });

  test("may have no words, and text may have no media", async () => {
    expect(await sent({})).not.toHaveProperty("attachments");
    expect(await send({ message_type: "text", content: "" })).toMatchObject(
      refused(422, "invalid_payload", "content"),
    );
    const text = await send({ message_type: "text", content: "x", attachments: [image] });
    expect(text).toMatchObject(refused(422, "invalid_payload", "attachments"));
  });

  test.each([
    [{}, "attachments"],
    [Array(11).fill(image), "attachments"],
    [["x"], "attachments[0]"],
    [[image, { media_type: "image" }], "attachments[1].media_id"],
    [[{ ...image, media_id: "" }], "attachments[0].media_id"],
    [[{ ...image, media_id: "é" }], "attachments[0].media_id"],
    [[{ ...image, media_type: "poem" }], "attachments[0].media_type"],
    [[{ ...image, metadata: [] }], "attachments[0].metadata"],
    [[{ ...image, metadata: { a: "x".repeat(4_096) } }], "attachments[0].metadata"],
  ])("attachments %j are refused because of %s", async (attachments, field) => {
    expect(await send({ attachments })).toMatchObject(refused(422, "invalid_payload", field));
  });
});

describe("media that are attached later", () => {
  test("are answered 201 and told with the whole message; the same media again are answered with what is there", async () => {
    const wire = await joined(ben);
    const message = await sent({});
    const attached = await attach(anna, message.id, { ...image, metadata: { duration: 3 } });
    const expected = { message_id: message.id, ...image, metadata: { duration: 3 } };
    expect(attached).toMatchObject({ status: 201, body: { data: expected } });
    const { data } = attached.body as { data: object };
    const again = await attach(anna, message.id, image);
    expect(again).toEqual({ ...attached, status: 200 });
    const told = { conversation_id: id, rev: 2, message: { id: message.id, rev: 2, attachments: [data] } };
    expect((await wire.broadcasts(topic, 3)).slice(1)).toMatchObject([told, told]);
    expect(await shown(message.id)).toMatchObject({ body: { data: [data], meta: { count: 1 } } });
  });

  test("are the author's, of media messages that are not deleted, within their window, and ten at most", async () => {
    const message = await sent({
      attachments: Array.from({ length: 9 }, (_, at) => ({ ...image, media_id: `m${at}` })),
    });
    expect(await attach(ben, message.id, image)).toMatchObject(refused(403, "forbidden"));
    expect((await attach(anna, message.id, image)).status).toBe(201);
    expect(await attach(anna, message.id, { ...image, media_id: "more" })).toMatchObject(
      refused(409, "conflict"),
    );
    const text = await web.sent(anna, id, "text");
    expect(await attach(anna, text, image)).toMatchObject(refused(409, "conflict"));
    const old = await sent({});
    clock.stepWallClock(24 * hourUs + 1_000);
    expect(await attach(anna, old.id, image)).toMatchObject(refused(409, "conflict"));
    await web.ask(anna, "DELETE", `/messages/${old.id}?conversation_id=${id}`);
    expect(await attach(anna, old.id, image)).toMatchObject(refused(409, "conflict"));
  });

  test("are erased with their message", async () => {
    const message = await sent({ attachments: [image] });
    await web.ask(anna, "DELETE", `/messages/${message.id}?conversation_id=${id}`);
    expect(await shown(message.id)).toMatchObject({ body: { data: [], meta: { count: 0 } } });
  });

  test("are refused by the field's name", async () => {
    const message = await sent({});
    for (const [body, field] of [
      [{ media_type: "image" }, "media_id"],
      [{ ...image, media_type: 1 }, "media_type"],
      [{ ...image, metadata: { a: "x".repeat(5_000) } }, "metadata"],
    ] as const)
      expect(await attach(anna, message.id, body)).toMatchObject(refused(422, "invalid_payload", field));
  });
});
