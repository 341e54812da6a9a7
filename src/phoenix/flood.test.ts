import { describe, expect, test } from "bun:test";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { eventually, RawClient } from "./testing/raw-client.ts";

/** Frames that no gate counts: heartbeats, and what is no Phoenix message. */

const topic = "place:1";
const heartbeat = (payload: unknown = {}) => JSON.stringify([null, "1", "phoenix", "heartbeat", payload]);

/** Time passes only as the test says. */
function aClock() {
  const clock = { ms: 0, now: () => clock.ms };
  return clock;
}

const floods: readonly (readonly [what: string, frame: string, count: number])[] = [
  ["heartbeats", heartbeat(), 1_001],
  ["heartbeats with large payloads", heartbeat("x".repeat(200_000)), 6],
  ["frames that are no Phoenix messages", "hello", 1_001],
  ["leaves of what is not joined", JSON.stringify(["1", "1", topic, "phx_leave", {}]), 1_001],
  ["frames of deeply nested nothing", "[".repeat(250_000), 5],
  ["frames over the limit", "x".repeat(600_000), 28],
];

describe("a socket that floods", () => {
  for (const [what, frame, count] of floods)
    test(`with ${what} is closed with 1013, and another one loses nothing`, async () => {
      await using server = endpoint({ channel: echoChannel(), clock: aClock() });
      const bystander = await RawClient.connect(server.url);
      await bystander.join(topic, "1");
      const flooding = await RawClient.connect(server.url);
      for (let n = 0; n < count; n += 1) flooding.sendBytes(frame);
      expect(await flooding.closed()).toBe(1013);
      expect(server.seen.overruns).toEqual(["flood"]);
      await eventually("the end", () => server.sockets.size === 1);
      await bystander.settle();
      expect([bystander.closeCode, server.seen.failures]).toEqual([undefined, []]);
    });
});

test("a socket that floods with pings is closed too", async () => {
  await using server = endpoint({ channel: echoChannel(), clock: aClock() });
  const flooding = await RawClient.connect(server.url);
  for (let n = 0; n < 1_001; n += 1) flooding.ping();
  expect(await flooding.closed()).toBe(1013);
  expect(server.seen.overruns).toEqual(["flood"]);
});

test("a heartbeat every 30 s is answered for ever, and so is one a second with some garbage between", async () => {
  const clock = aClock();
  await using server = endpoint({ channel: echoChannel(), clock });
  const client = await RawClient.connect(server.url);
  for (let n = 1; n <= 300; n += 1) {
    clock.ms += n % 2 ? 30_000 : 1_000;
    for (let each = 0; each < 5; each += 1) client.sendBytes("garbage");
    client.sendBytes(heartbeat());
    await eventually("the answer", () => client.frames.filter(([, ref]) => ref === "1").length === n);
  }
  expect([client.closeCode, server.seen.malformed]).toEqual([undefined, 1_500]);
});
