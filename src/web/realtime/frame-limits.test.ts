import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { phoenixDefaults } from "../../phoenix/settings.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { Fixture } from "../../testing/web/fixture.ts";
import type { Wire } from "../../testing/web/wire.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
let web: Fixture;
let socket: Wire;
let topic: string;
beforeEach(async () => {
  const settings = { phoenix: { ...phoenixDefaults, heartbeatsPerMin: 0 } };
  web = new Fixture({ clock: new VirtualClock(), settings });
  topic = `conversation:${await web.groupOf(anna, [ben])}`;
  socket = await web.socketOf(anna);
  expect((await socket.join(topic)).status).toBe("ok");
});
afterEach(() => web.stop());

/** In JSON, a character that is kept as one byte and written as six. */
const escaped = (count: number) => `"${String.raw`\u0001`.repeat(count)}"`;
const reasonOf = async (event: string, payload: string, at = topic) => {
  const { status, response } = await socket.push(at, event, payload);
  return status === "ok" ? "ok" : (response as { reason: string }).reason;
};

describe("the largest frame that means something is accepted", () => {
  test("as a message and as its edit: all content and metadata, each byte written as six characters", async () => {
    const payload = `{"content":${escaped(65_536)},"metadata":{"note":${escaped(2_500)}}`;
    const { response } = await socket.push(topic, "new_message", `${payload}}`);
    const { id } = (response as unknown as { message: { id: string } }).message;
    expect(await reasonOf("send_message", `${payload}}`)).toBe("ok");
    expect(await reasonOf("edit_message", `${payload},"message_id":"${id}"}`)).toBe("ok");
  });

  test("as metadata of a conversation, as cursors of many conversations, and as a join with a token in it", async () => {
    expect(await reasonOf("update_conversation", `{"metadata":{"note":${escaped(2_700)}}}`)).toBe("ok");
    const cursors = Array.from(
      { length: 10_000 },
      (_, n) => `"0192a7c0-0000-7000-8000-${n.toString(16).padStart(12, "0")}":1`,
    );
    expect((await socket.push(`user:${anna}`, "phx_join", `{"cursors":{${cursors}}}`)).status).toBe("ok");
    expect(await reasonOf("phx_join", `{"access_token":"${"x".repeat(8_192)}"}`)).toBe("ok");
  });

  test("as any other event, with some fields of a newer client", async () => {
    const newer = `"unknown":"${"x".repeat(3_500)}"`;
    expect(await reasonOf("user_typing", `{"typing":true,${newer}}`)).toBe("ok");
    expect(await reasonOf("mark_read", `{${newer}}`)).toBe("ok");
    expect(await reasonOf("heartbeat", `{${newer}}`, "phoenix")).toBe("ok");
  });
});

test("a larger frame is refused unread, whatever its event, and the socket goes on", async () => {
  const deep = "[".repeat(150_000);
  const own = `user:${anna}`;
  for (const [event, at] of [
    ["heartbeat", "phoenix"],
    ["user_typing", topic],
    ["mark_read", topic],
    ["message_delivered", own],
    ["update_status", own],
    ["add_reaction", topic],
    ["delete_message", topic],
    ["update_conversation", topic],
    ["nothing", topic],
    ["phx_join", topic],
    ["phx_leave", topic],
  ] as const)
    expect([event, await reasonOf(event, deep, at)]).toEqual([event, "payload_too_large"]);
  expect(await reasonOf("new_message", deep)).toBe("invalid_payload");
  expect(await reasonOf("phx_join", deep, own)).toBe("invalid_payload");
  expect(await reasonOf("new_message", `{"content":"hello"}`)).toBe("ok");
});

test("a request body with more values than any has is refused by name, and is not parsed", async () => {
  const bodies = ["[".repeat(250_000), `{"content":"x","a":[0${",0".repeat(200_000)}]}`];
  for (const body of bodies) {
    const answered = await web.fetch("POST", "/api/v1/messages", { as: anna, body });
    expect([answered.status, await answered.json()]).toEqual([
      422,
      expect.objectContaining({ error: "invalid_payload", message: expect.stringContaining("The body may") }),
    ]);
  }
});

test("request bodies of a user are counted before they are read, and not those of others", async () => {
  await web.stop();
  web = new Fixture({
    clock: new VirtualClock(),
    limits: { user_frames: { perMinute: 1_000, burst: 1_000 } },
  });
  const large = `{"content":"${"x".repeat(400_000)}"}`;
  const post = async (as: string, body: string) =>
    (await web.fetch("POST", "/api/v1/messages", { as, body })).status;
  expect([await post(anna, large), await post(anna, large), await post(anna, large)]).toEqual([
    422, 422, 429,
  ]);
  expect([await post(anna, "{}"), await post(ben, large)]).toEqual([422, 422]);
});
