import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import type { Channel } from "./channel.ts";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { eventually, RawClient } from "./testing/raw-client.ts";

const topic = "place:1";

/** A client frame with an all-zero mask. At most 65,535 bytes. */
function maskedText(text: string): Buffer {
  const body = Buffer.from(text);
  const { length } = body;
  const head = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...head, 0, 0, 0, 0]), body]);
}

/** Joins the topics in one write and reads nothing until it is resumed. */
async function notReading(port: number, topics: readonly string[]): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const upgraded = new Promise((resolve) => socket.once("data", resolve));
  socket.write(
    "GET /socket/websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await upgraded;
  socket.pause();
  const joins = topics.map((each) => maskedText(JSON.stringify(["1", each, each, "phx_join", {}])));
  socket.write(Buffer.concat(joins));
  return socket;
}

/** Joins the topic and never reads again. */
function neverReading(port: number): Promise<Socket> {
  return notReading(port, [topic]);
}

async function tellUntilClosed(say: () => void, closed: () => boolean): Promise<void> {
  await eventually("the slow reader to be closed", () => {
    for (let n = 0; n < 4; n += 1) say();
    return closed();
  });
}

test("a reader that stops reading is closed past its bound, and a bystander of the topic loses nothing", async () => {
  await using server = endpoint({ channel: echoChannel(), settings: { sendBufferBytes: 256 * 1024 } });
  const bystander = await RawClient.connect(server.url);
  await bystander.join(topic, "1");
  const slow = await neverReading(server.port);
  await eventually("the slow one to join", () => server.sockets.listening(topic) === 2);
  const text = JSON.stringify({ text: "x".repeat(20_000) });
  let told = 0;
  await tellUntilClosed(
    () => {
      told += 1;
      server.sockets.broadcast(topic, "news", text);
    },
    () => server.seen.closes.length > 0,
  );
  await bystander.settle();
  expect(bystander.events(topic).filter((event) => event === "news").length).toBe(told);
  expect(server.seen.closes).toEqual([1006]);
  expect(server.seen.overruns).toEqual(["send"]);
  expect(server.sockets.listening(topic)).toBe(1);
  slow.destroy();
});

test("a reader that stops reading its own replies is closed past its bound too", async () => {
  const pushes: (() => void)[] = [];
  const pushing = echoChannel({
    join: (joining) => ({
      ok: true,
      response: "{}",
      accepted: () => pushes.push(() => joining.push("page", JSON.stringify("x".repeat(20_000)))),
    }),
  });
  await using server = endpoint({ channel: pushing, settings: { sendBufferBytes: 256 * 1024 } });
  const slow = await neverReading(server.port);
  await eventually("the slow one to join", () => pushes.length === 1);
  await tellUntilClosed(
    () => pushes[0]?.(),
    () => server.seen.closes.length > 0,
  );
  expect(server.seen.closes).toEqual([1006]);
  expect(server.seen.overruns).toEqual(["send"]);
  expect(server.sockets.size).toBe(0);
  slow.destroy();
});

test("I10: all sockets together keep a bounded number of bytes unread, however many there are, and one that reads loses nothing", async () => {
  const maxHeldBytes = 1024 * 1024;
  await using server = endpoint({
    channel: echoChannel(),
    settings: { sendBufferBytes: 8 * maxHeldBytes, maxHeldBytes },
  });
  const bystander = await RawClient.connect(server.url);
  await bystander.join(topic, "1");
  const slow = await Promise.all(Array.from({ length: 12 }, () => neverReading(server.port)));
  await eventually("the slow ones to join", () => server.sockets.listening(topic) === 13);
  const text = JSON.stringify({ text: "x".repeat(20_000) });
  let told = 0;
  let most = 0;
  await tellUntilClosed(
    () => {
      told += 1;
      server.sockets.broadcast(topic, "news", text);
      most = Math.max(most, server.sockets.unreadBytes);
    },
    () => server.seen.closes.length > 0,
  );
  await bystander.settle();
  expect(bystander.events(topic).filter((event) => event === "news").length).toBe(told);
  expect(most).toBeLessThanOrEqual(maxHeldBytes);
  expect(new Set(server.seen.overruns)).toEqual(new Set(["total"]));
  expect(server.sockets.listening(topic)).toBeGreaterThan(1);
  for (const socket of slow) socket.destroy();
});

/** What a client that reads again gets of `count` topics: the refs that were answered, and the news, in order. */
function reading(socket: Socket): { readonly told: string[] } {
  const told: string[] = [];
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    const found = [
      ...text.matchAll(/\["1","(place:\d+)",[^[]*"phx_reply"|\[null,null,"(place:\d+)","news"/g),
    ];
    for (const [, replied, heard] of found) told.push(replied ?? `news ${heard}`);
    const last = found.at(-1);
    if (last) text = text.slice(last.index + last[0].length);
  });
  socket.resume();
  return { told };
}

const many = Array.from({ length: 200 }, (_, index) => `place:${index}`);

/** Each reply is 100 kB: all together are a hundred times what may wait, and more than the kernel takes. */
function largeReplies(): { readonly channel: Channel<string>; readonly asked: string[] } {
  const asked: string[] = [];
  const response = JSON.stringify("x".repeat(100_000));
  const join: Channel<string>["join"] = async ({ topic: place }) => {
    asked.push(place);
    return { ok: true, response };
  };
  return { channel: echoChannel({ join }), asked };
}

test("a burst of joins with large replies is answered as fast as its client reads, each once", async () => {
  const { channel, asked } = largeReplies();
  await using server = endpoint({ channel, settings: { sendBufferBytes: 200 * 1024 } });
  const slow = await notReading(server.port, many);
  await eventually("all joins", () => asked.length >= many.length);
  const { told } = reading(slow);
  await eventually("all replies", () => told.length >= many.length);
  expect(told).toEqual(many);
  expect([server.seen.closes, server.seen.overruns, server.seen.failures]).toEqual([[], [], []]);
  slow.destroy();
});

test("what is broadcast while a reply waits for its reader comes after it, and not at all after a leave", async () => {
  const { channel, asked } = largeReplies();
  await using server = endpoint({
    channel,
    settings: { sendBufferBytes: 200 * 1024, maxHeldBroadcasts: 2 },
  });
  const slow = await notReading(server.port, many);
  await eventually("all joins", () => asked.length >= many.length);
  const last = many.at(-1)!;
  for (let n = 0; n < 2; n += 1) server.sockets.broadcast(last, "news", "{}");
  const overHeld = many.at(-2)!;
  for (let n = 0; n < 5; n += 1) server.sockets.broadcast(overHeld, "news", "{}");
  slow.write(maskedText(JSON.stringify(["1", "left", "place:150", "phx_leave", {}])));
  await eventually("the leave", () => !server.sockets.hasListeners("place:150"));
  const { told } = reading(slow);
  await eventually("all replies", () => many.slice(151).every((place) => told.includes(place)));
  expect(told.filter((each) => each === last || each === `news ${last}`)[0]).toBe(last);
  expect(told).not.toContain("place:150");
  expect(told.filter((each) => each === overHeld)).toEqual([overHeld]);
  server.sockets.broadcast(overHeld, "news", "{}");
  await eventually("what comes later", () => told.includes(`news ${overHeld}`));
  expect([server.seen.closes, server.seen.overruns, server.seen.failures]).toEqual([[], [], []]);
  slow.destroy();
});

test("who sends more than they read the answers of is refused by name while they are behind, and not closed", async () => {
  const pushed: string[] = [];
  const channel = echoChannel({
    receive: (push) => {
      pushed.push(push.event);
      push.reply(true, JSON.stringify("x".repeat(60_000)));
    },
  });
  await using server = endpoint({
    channel,
    settings: { sendBufferBytes: 400 * 1024, framesPerMin: 0 },
  });
  const slow = await notReading(server.port, [topic]);
  const large = "x".repeat(60_000);
  for (let n = 0; n < 400; n += 1)
    slow.write(maskedText(JSON.stringify(["1", `large ${n}`, topic, "say", large])));
  slow.write(maskedText(JSON.stringify(["1", "small", topic, "last", {}])));
  await eventually("all pushes", () => pushed.includes("last"));
  expect(pushed.length).toBeLessThan(400);
  let answers = "";
  slow.on("data", (bytes) => {
    answers += bytes.toString("latin1").replaceAll("x", "");
  });
  const answered = (mark: string) => answers.split(mark).length - 1;
  slow.resume();
  await eventually("all answers", () => answered('"status":') === 402);
  expect(answered('"reason":"overloaded"')).toBeGreaterThan(0);
  expect([server.seen.closes, server.seen.overruns, server.seen.failures]).toEqual([[], [], []]);
  slow.destroy();
});
