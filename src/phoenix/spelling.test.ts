import { expect, test } from "bun:test";
import type { Feed } from "./channel.ts";
import { echoChannel, endpoint, joinsByHand } from "./testing/endpoint.ts";
import { RawClient } from "./testing/raw-client.ts";

/** A topic that clients spell differently: a stock client drops every frame whose topic is not letter for letter its own. */

const canonical = (topic: string) => topic.toLowerCase();
const topic = "place:ab";
const capitals = "place:AB";
const mixed = "place:aB";

test("each client is answered and told in its own spelling, and the channel knows one topic", async () => {
  const known: string[] = [];
  await using server = endpoint({
    canonical,
    channel: echoChannel({
      join: (joining) => {
        known.push(joining.topic);
        return { ok: true, response: "{}", accepted: () => joining.push("welcome", "{}") };
      },
      receive: (push) => {
        known.push(push.topic);
        push.reply(true, "{}");
      },
      left: (name) => void known.push(name),
    }),
  });
  for (const spelling of [topic, capitals, mixed]) {
    const client = await RawClient.connect(server.url);
    await client.join(spelling, "1");
    client.send("1", "2", spelling, "say", {});
    await client.replyTo("2");
    server.sockets.broadcast(topic, "news", "{}", { stream: "s", at: 1 });
    server.sockets.broadcastNow(topic, "state", "{}");
    server.sockets.pushWhere(topic, "alone", "{}", () => true);
    client.send("1", "3", spelling, "phx_leave", {});
    await client.replyTo("3");
    server.sockets.broadcast(topic, "news", "{}");
    await client.settle();
    const told = ["phx_reply", "welcome", "phx_reply", "news", "state", "alone", "phx_reply", "phx_close"];
    expect(client.events(spelling)).toEqual(told);
    expect(client.frames.filter(([, , name]) => name !== spelling && name !== "phoenix")).toEqual([]);
    expect(known.splice(0)).toEqual([topic, topic, topic]);
  }
  expect(server.sockets.topicCount).toBe(0);
});

test("a broadcast from one socket reaches every other one, whatever either spells", async () => {
  for (const own of [topic, capitals]) {
    await using server = endpoint({ canonical, channel: echoChannel() });
    const source = await RawClient.connect(server.url, "source");
    const others = await Promise.all([topic, capitals, mixed].map(() => RawClient.connect(server.url)));
    await source.join(own);
    for (const [index, spelling] of [topic, capitals, mixed].entries()) await others[index]!.join(spelling);
    server.sockets.broadcastFrom(topic, "typing", "{}", (identity) => identity === "source");
    await Promise.all([source, ...others].map((client) => client.settle()));
    expect(source.events(own)).toEqual(["phx_reply"]);
    expect(others[0]!.events(topic)).toEqual(["phx_reply", "typing"]);
    expect(others[1]!.events(capitals)).toEqual(["phx_reply", "typing"]);
    expect(others[2]!.events(mixed)).toEqual(["phx_reply", "typing"]);
  }
});

test("what is held while a join or a backfill is in flight comes once, in order, in the client's spelling", async () => {
  const joins = joinsByHand();
  await using server = endpoint({ canonical, channel: echoChannel({ join: joins.join }) });
  const client = await RawClient.connect(server.url);
  client.send("1", "1", capitals, "phx_join", {});
  await client.settle();
  server.sockets.broadcast(topic, "news", "1");
  const { promise: filled, resolve: fill } = Promise.withResolvers<void>();
  let feed: Feed | undefined;
  joins.settle(0, {
    ok: true,
    response: "{}",
    backfill: (given) => {
      feed = given;
      return filled;
    },
  });
  await client.replyTo("1");
  server.sockets.broadcast(topic, "news", "2");
  feed?.push("page", "{}");
  fill();
  await client.settle();
  server.sockets.broadcast(topic, "news", "3");
  await client.settle();
  expect(client.on(capitals).map(([, , , event, payload]) => [event, payload])).toEqual([
    ["phx_reply", { status: "ok", response: {} }],
    ["page", {}],
    ["news", 1],
    ["news", 2],
    ["news", 3],
  ]);
});

test("a socket that joins two spellings of one topic has one subscription: the newer, and the older is closed", async () => {
  const left: string[] = [];
  await using server = endpoint({
    canonical,
    channel: echoChannel({ left: (name) => void left.push(name) }),
    settings: { maxTopicsPerSocket: 1 },
  });
  const client = await RawClient.connect(server.url);
  await client.join(topic, "1");
  expect((await client.join(capitals, "2")).status).toBe("ok");
  server.sockets.broadcast(topic, "news", "{}");
  client.send("1", "3", topic, "say", {});
  expect(await client.replyTo("3")).toEqual({ status: "error", response: { reason: "unmatched topic" } });
  expect((await client.join(topic, "4")).status).toBe("ok");
  server.sockets.broadcast(topic, "news", "{}");
  await client.settle();
  expect(client.events(topic)).toEqual(["phx_reply", "phx_close", "phx_reply", "phx_reply", "news"]);
  expect(client.on(topic)[1]).toEqual(["1", "1", topic, "phx_close", {}]);
  expect(client.events(capitals)).toEqual(["phx_reply", "news", "phx_close"]);
  expect(left).toEqual([topic, topic]);
  expect(server.sockets.listening(topic)).toBe(1);
});

test("a topic that is taken away is closed in the client's spelling", async () => {
  await using server = endpoint({ canonical, channel: echoChannel() });
  const client = await RawClient.connect(server.url);
  await client.join(capitals, "1");
  expect(server.sockets.unsubscribeWhere(topic, () => true)).toBe(1);
  await client.settle();
  expect(client.on(capitals).at(-1)).toEqual(["1", "1", capitals, "phx_close", {}]);
});

test("a broadcast that others hear already is held once for a socket whose join is in flight", async () => {
  const joins = joinsByHand();
  await using server = endpoint({ canonical, channel: echoChannel({ join: joins.join }) });
  const [listener, joining] = await Promise.all([
    RawClient.connect(server.url),
    RawClient.connect(server.url),
  ]);
  listener.send("1", "1", topic, "phx_join", {});
  await listener.settle();
  joins.settle(0, { ok: true, response: "{}" });
  await listener.replyTo("1");
  joining.send("1", "1", capitals, "phx_join", {});
  await joining.settle();
  server.sockets.broadcast(topic, "news", "{}");
  joins.settle(1, { ok: true, response: "{}" });
  await Promise.all([listener.settle(), joining.settle()]);
  expect(listener.events(topic)).toEqual(["phx_reply", "news"]);
  expect(joining.events(capitals)).toEqual(["phx_reply", "news"]);
});

test("whoever was taken from a topic, or left it, hears no more of it while others do (I8)", async () => {
  await using server = endpoint({ canonical, channel: echoChannel() });
  const clients = ["stays", "removed", "left"].map((name) => RawClient.connect(server.url, name));
  const [stays, removed, left] = (await Promise.all(clients)) as [RawClient, RawClient, RawClient];
  await Promise.all([stays.join(mixed), removed.join(capitals), left.join(capitals, "1")]);
  server.sockets.unsubscribeWhere(topic, (identity) => identity === "removed");
  left.send("1", "2", topic, "phx_leave", {});
  await left.replyTo("2");
  server.sockets.broadcast(topic, "news", "{}");
  await Promise.all([stays.settle(), removed.settle(), left.settle()]);
  expect(stays.events(mixed)).toEqual(["phx_reply", "news"]);
  expect(removed.events(capitals)).toEqual(["phx_reply", "phx_close"]);
  expect(left.events(capitals)).toEqual(["phx_reply", "phx_close"]);
});
