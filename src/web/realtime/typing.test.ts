import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../testing/clock.ts";
import { Fixture } from "../../testing/web/fixture.ts";
import type { Wire } from "../../testing/web/wire.ts";

const ann = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const cleo = "0192a7c0-0000-7000-8000-00000000000c";

let clock: VirtualClock;
let web: Fixture;
let conversationId: string;
let topic: string;
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  conversationId = await web.groupOf(ann, [ben, cleo]);
  topic = `conversation:${conversationId}`;
});
afterEach(async () => {
  expect(web.bugs).toEqual([]);
  await web.stop();
});

async function joined(userId: string): Promise<Wire> {
  const wire = await web.socketOf(userId);
  expect((await wire.join(topic)).status).toBe("ok");
  return wire;
}

const typing = (userId: string, isTyping: boolean) => ({
  conversation_id: conversationId,
  user_id: userId,
  typing: isTyping,
});

/** What a socket was told of typing so far, once everything sent before has reached it. */
async function heard(wire: Wire): Promise<unknown[]> {
  await wire.push("phoenix", "heartbeat", "{}");
  const all = await wire.broadcasts(topic, 0);
  return all.filter((payload) => typeof payload === "object" && payload !== null && "typing" in payload);
}

describe("a member who types", () => {
  test("is told of to the others and to his own other device, not to the one that he types on", async () => {
    const [phone, laptop, other] = await Promise.all([joined(ann), joined(ann), joined(ben)]);
    expect(await phone.push(topic, "user_typing", '{"typing":true}')).toEqual({ status: "ok", response: {} });
    expect(await phone.push(topic, "user_typing", '{"typing":false}')).toEqual({
      status: "ok",
      response: {},
    });
    const both = [typing(ann, true), typing(ann, false)];
    expect(await Promise.all([other, laptop, phone].map(heard))).toEqual([both, both, []]);
  });

  test("says so by either name of the event, with a payload that fits", async () => {
    const [phone, other] = await Promise.all([joined(ann), joined(ben)]);
    for (const payload of ["{}", '{"typing":"yes"}', "[]"])
      expect((await phone.push(topic, "user_typing", payload)).response).toMatchObject({
        reason: "invalid_payload",
      });
    await phone.push(topic, "typing_start", "{}");
    await phone.push(topic, "typing_stop", `{"conversation_id":"${conversationId}"}`);
    expect(await heard(other)).toEqual([typing(ann, true), typing(ann, false)]);
  });

  test("is answered ok for what is not passed on", async () => {
    const [phone, other] = await Promise.all([joined(ann), joined(ben)]);
    for (let each = 0; each < 20; each++)
      expect((await phone.push(topic, "typing_start", "{}")).status).toBe("ok");
    expect(await heard(other)).toHaveLength(1);
    await clock.runFor(2_000);
    await phone.push(topic, "typing_start", "{}");
    expect(await heard(other)).toEqual([typing(ann, true), typing(ann, true)]);
  });

  test("and then says nothing has ended after five seconds", async () => {
    const [phone, other] = await Promise.all([joined(ann), joined(ben)]);
    await phone.push(topic, "typing_start", "{}");
    await clock.runFor(4_999);
    expect(await heard(other)).toHaveLength(1);
    await clock.runFor(1);
    expect(await heard(other)).toEqual([typing(ann, true), typing(ann, false)]);
    await clock.runFor(60_000);
    expect(await heard(other)).toHaveLength(2);
  });

  test.each(["over the channel", "over REST"])("has ended once his message came, sent %s", async (way) => {
    const [phone, other] = await Promise.all([joined(ann), joined(ben)]);
    await phone.push(topic, "typing_start", "{}");
    if (way === "over REST") await web.sent(ann, conversationId, "done");
    else await phone.push(topic, "new_message", '{"content":"done"}');
    await other.push("phoenix", "heartbeat", "{}");
    const all = await other.broadcasts(topic, 3);
    expect(all).toMatchObject([typing(ann, true), { message: { content: "done" } }, typing(ann, false)]);
    await clock.runFor(10_000);
    expect(await heard(other)).toHaveLength(2);
  });

  test("has not ended by the message of another, nor by his message elsewhere", async () => {
    const elsewhere = await web.conversationOf(ann, ben);
    const [phone, other] = await Promise.all([joined(ann), joined(ben)]);
    await phone.push(topic, "typing_start", "{}");
    await web.sent(ben, conversationId, "meanwhile");
    await web.sent(ann, elsewhere, "by the way");
    expect(await heard(other)).toEqual([typing(ann, true)]);
  });

  test("has ended when his socket closes or leaves, but not when his other one does", async () => {
    const [phone, laptop, other] = await Promise.all([joined(ann), joined(ann), joined(ben)]);
    await phone.push(topic, "typing_start", "{}");
    await laptop.push(topic, "phx_leave", "{}");
    expect(await heard(other)).toEqual([typing(ann, true)]);
    phone.close();
    expect(await other.broadcasts(topic, 2)).toEqual([typing(ann, true), typing(ann, false)]);
  });
});

describe("I8: a member who is removed", () => {
  test("is told as typing no longer, and can say it no more", async () => {
    const [owner, removed, other] = await Promise.all([joined(ann), joined(ben), joined(cleo)]);
    await removed.push(topic, "typing_start", "{}");
    await web.ask(ann, "DELETE", `/conversations/${conversationId}/members/${ben}`);
    expect((await removed.push(topic, "typing_start", "{}")).response).toEqual({ reason: "unmatched topic" });
    for (const wire of [owner, other])
      expect(await heard(wire)).toEqual([typing(ben, true), typing(ben, false)]);
    await owner.push(topic, "typing_start", "{}");
    expect(await heard(removed)).toEqual([]);
  });

  test("and a stranger never could", async () => {
    const stranger = await web.socketOf("0192a7c0-0000-7000-8000-00000000000d");
    const member = await joined(ann);
    expect((await stranger.join(topic)).response).toMatchObject({ reason: "not_authorized" });
    expect((await stranger.push(topic, "typing_start", "{}")).status).toBe("error");
    expect(await heard(member)).toEqual([]);
  });
});
