import { describe, expect, test } from "bun:test";
import type { FloodReason } from "./intake.ts";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { eventually, RawClient } from "./testing/raw-client.ts";

/** Frames are counted before they are read, and those that no gate counts once more: heartbeats, and what is no Phoenix message. */

const topic = "place:1";
const heartbeat = (payload: unknown = {}) => JSON.stringify([null, "1", "phoenix", "heartbeat", payload]);

const manyKeys = Object.fromEntries(Array.from({ length: 38_000 }, (_, n) => [`key ${n}`, 0]));

/** Time passes only as the test says. */
function aClock() {
  const clock = { ms: 0, now: () => clock.ms };
  return clock;
}

const refused = "refused";
const floods: readonly (readonly [what: string, frame: string, count: number, of: FloodReason])[] = [
  ["heartbeats", heartbeat(), 1_001, refused],
  ["heartbeats with large payloads", heartbeat("x".repeat(200_000)), 6, refused],
  ["heartbeats with many keys", heartbeat(manyKeys), 4, refused],
  ["frames that are no Phoenix messages", "hello", 1_001, refused],
  ["leaves of what is not joined", JSON.stringify(["1", "1", topic, "phx_leave", {}]), 1_001, refused],
  ["frames of deeply nested nothing", "[".repeat(250_000), 5, refused],
  ["frames over the limit", "x".repeat(600_000), 28, "frames"],
  ["pushes, however small", JSON.stringify(["1", null, "place:none", "say", {}]), 15_001, "frames"],
  ["pushes of many values", JSON.stringify(["1", null, topic, "say", Array(22_000).fill(0)]), 22, "frames"],
  ["large pushes", JSON.stringify(["1", null, topic, "say", "x".repeat(150_000)]), 103, "frames"],
  [
    "pushes of too many values",
    JSON.stringify(["1", null, topic, "say", Array(100_000).fill(0)]),
    76,
    refused,
  ],
];

describe("a socket that floods", () => {
  for (const [what, frame, count, of] of floods)
    test(`with ${what} is closed with 1013, and another one loses nothing`, async () => {
      await using server = endpoint({ channel: echoChannel(), clock: aClock() });
      const bystander = await RawClient.connect(server.url);
      await bystander.join(topic, "1");
      const flooding = await RawClient.connect(server.url);
      for (let n = 0; n < count; n += 1) flooding.sendBytes(frame);
      expect(await flooding.closed()).toBe(1013);
      expect(server.seen.overruns).toEqual([`flood of ${of}`]);
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
  expect(server.seen.overruns).toEqual(["flood of refused"]);
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

test("after it was closed nothing more of a flood is read", async () => {
  const received: unknown[] = [];
  const channel = echoChannel({ receive: (push) => void received.push(push) });
  await using server = endpoint({ channel, clock: aClock(), settings: { framesPerMin: 100 } });
  const flooding = await RawClient.connect(server.url);
  flooding.send("1", "1", topic, "phx_join", {});
  for (let n = 0; n < 10_000; n += 1) flooding.send("1", null, topic, "say", n);
  expect(await flooding.closed()).toBe(1013);
  expect(received.length).toBeLessThan(100);
  expect(server.seen.overruns).toEqual(["flood of frames"]);
});

test("all sockets of one identity share what it may send, and another identity loses nothing by it", async () => {
  const left = new Map([["ada", 3]]);
  const takeLot = (identity: string) => {
    const lots = left.get(identity) ?? 100;
    left.set(identity, lots - 1);
    return lots > 0;
  };
  await using server = endpoint({ channel: echoChannel(), clock: aClock(), takeLot });
  const [first, second, other] = await Promise.all(
    ["ada", "ada", "ben"].map((identity) => RawClient.connect(server.url, identity)),
  );
  const leaves = (client: RawClient) => {
    for (let n = 0; n < 150; n += 1) client.send(null, null, "place:none", "say", {});
  };
  leaves(first!);
  await first!.settle();
  leaves(second!);
  expect(await second!.closed()).toBe(1013);
  leaves(other!);
  await other!.settle();
  expect(server.seen.overruns).toEqual(["flood of identity"]);
});

test("a large frame that its gate refuses is not parsed", async () => {
  const gated: number[] = [];
  const gate = (_: string, frame: { readonly size: number; readonly event: string }) => {
    if (frame.event === "say") gated.push(frame.size);
    return frame.event === "say" ? `{"reason":"rate_limited"}` : undefined;
  };
  await using server = endpoint({ channel: echoChannel(), clock: aClock(), gate });
  const client = await RawClient.connect(server.url);
  // Parsed, it would be malformed.
  client.sendBytes(`["1","7","${topic}","say",{"a":${"x".repeat(2_000)}`);
  expect(await client.replyTo("7")).toEqual({ status: "error", response: { reason: "rate_limited" } });
  expect([gated.map((size) => size > 2_000), server.seen.malformed]).toEqual([[true], 0]);
});
