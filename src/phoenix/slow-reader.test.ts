import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { eventually, RawClient } from "./testing/raw-client.ts";

const topic = "place:1";

/** A client frame with an all-zero mask. At most 125 bytes. */
function maskedText(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]);
}

/** Joins the topic and never reads again. */
async function neverReading(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const upgraded = new Promise((resolve) => socket.once("data", resolve));
  socket.write(
    "GET /socket/websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await upgraded;
  socket.pause();
  socket.write(maskedText(JSON.stringify(["1", "1", topic, "phx_join", {}])));
  return socket;
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
