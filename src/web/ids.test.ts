import { afterEach, beforeEach, expect, test } from "bun:test";
import { Socket } from "phoenix";
import { readReportedCursors } from "../operations/topics/join-payload.ts";
import { VirtualClock } from "../testing/clock.ts";
import { eventually } from "../testing/eventually.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";

let web: Fixture;
beforeEach(() => {
  web = new Fixture({ clock: new VirtualClock() });
});
afterEach(() => web.stop());

test("a stock client that spells its topics in capitals joins, sends and hears as any other", async () => {
  const conversationId = await web.conversationOf(anna, ben);
  const socket = new Socket(`${web.url.replace("http", "ws")}/socket`, {
    params: { token: tokenOf({ userId: ben }) },
    transport: WebSocket as never,
  });
  socket.connect();
  const heard: string[] = [];
  const topics = [`conversation:${conversationId.toUpperCase()}`, `user:${ben.toUpperCase()}`];
  const channels = topics.map((topic) => socket.channel(topic));
  for (const channel of channels) {
    for (const event of ["new_message", "user_typing", "presence_state", "caught_up"])
      channel.on(event, () => void heard.push(`${event} on ${channel.topic}`));
    await new Promise((joined, refused) => channel.join().receive("ok", joined).receive("error", refused));
  }
  await web.sent(anna, conversationId, "hello");
  const anna1 = await web.socketOf(anna);
  await anna1.join(`conversation:${conversationId}`);
  await anna1.push(`conversation:${conversationId}`, "user_typing", `{"typing":true}`);
  await new Promise((sent, refused) =>
    channels[0]!.push("new_message", { content: "hi" }).receive("ok", sent).receive("error", refused),
  );
  const expected = [
    `caught_up on ${topics[1]}`,
    ...topics.flatMap((topic) => [`new_message on ${topic}`, `new_message on ${topic}`]),
    `presence_state on ${topics[0]}`,
    `user_typing on ${topics[0]}`,
  ];
  await eventually("all of it", () => heard.length >= expected.length);
  expect(heard.toSorted()).toEqual(expected.toSorted());
  socket.disconnect();
});

test("a member that is named twice, in two spellings, is one", async () => {
  const body = { type: "group", name: "x", user_ids: [ben, ben.toUpperCase(), anna.toUpperCase()] };
  const made = await web.ask(anna, "POST", "/conversations", body);
  expect(made).toMatchObject({ status: 201, body: { data: { member_count: 2 } } });
  const { id } = (made.body as { data: { id: string } }).data;
  const added = await web.ask(anna, "POST", `/conversations/${id}/members`, {
    user_ids: [carl, carl.toUpperCase()],
  });
  expect(added).toMatchObject({ status: 201, body: { data: [{ user_id: carl }] } });
});

test("of a conversation that cursors name twice, in two spellings, the lower cursor counts", () => {
  for (const cursors of [
    { [anna]: 5, [anna.toUpperCase()]: 7 },
    { [anna.toUpperCase()]: 7, [anna]: 5 },
  ])
    expect(readReportedCursors({ cursors })).toMatchObject({ cursors: new Map([[anna, 5]]) });
});
test("the two of a direct conversation may be named in any spelling, also twice", async () => {
  const id = await web.conversationOf(anna, ben);
  for (const user_ids of [
    [anna.toUpperCase(), ben],
    [anna, ben, ben.toUpperCase(), anna.toUpperCase()],
  ])
    expect(await web.ask(anna, "POST", "/conversations", { type: "direct", user_ids })).toMatchObject({
      status: 200,
      body: { data: { id } },
    });
});
