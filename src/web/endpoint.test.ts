import { afterEach, beforeEach, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";

let web: Fixture;
beforeEach(() => {
  web = new Fixture({ clock: new VirtualClock() });
});
afterEach(() => web.stop());

/** The status of the answer to a request that no HTTP client would write; NaN: the connection was closed without one. */
async function statusOf(head: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(web.url).port),
    socket: {
      open: (socket) => void socket.write(`${head}\r\nConnection: close\r\n\r\n`),
      data: (socket, chunk) => {
        answer += chunk.toString();
        if (!answer.includes("\r\n")) return;
        resolve(answer);
        socket.end();
      },
      close: () => resolve(answer),
    },
  });
  return Number((await promise).split(" ")[1]);
}

test("a load balancer that probes by HTTP/1.0, without a Host header, is answered", async () => {
  expect(await statusOf("GET /live HTTP/1.0")).toBe(200);
  web.checks = { ownership: { status: "unavailable", reason: "waits" } };
  expect(await statusOf("HEAD /messaging/ready HTTP/1.0")).toBe(503);
});

test("what is answered to GET is answered to HEAD, without its body", async () => {
  const [got, headed] = await Promise.all(
    ["GET", "HEAD"].map((method) => web.fetch(method, "/.well-known/jwks.json")),
  );
  expect([headed!.status, await headed!.text()]).toEqual([200, ""]);
  expect(headed!.headers.get("content-length")).toBe(String((await got!.bytes()).length));
});

test.each(["[", "", "a b", "%", "x:99999999", "\u0001", "a\\b", "::1", "a?b", "a#b", "@"])(
  "I11: the Host header %j is nobody's bug",
  async (host) => {
    for (const path of ["/api/v1/conversations", "/socket/websocket?token=x", "/else", "//"]) {
      const status = await statusOf(`GET ${path} HTTP/1.1\r\nHost: ${host}`);
      expect(status).toBeWithin(400, 500);
    }
    expect(web.bugs).toEqual([]);
  },
);

test.each([
  "Host: a\r\nHost: a",
  "Host: a\r\nhost: b",
  "Host: a,b",
  "Host: a\r\nContent-Length: 0\r\nContent-Length: 0",
])("S10: a request with %j is refused on every path, probes too", async (headers) => {
  for (const path of [
    "/live",
    "/api/v1/conversations",
    "/socket/websocket?token=x",
    "/else",
    "http://a/live",
  ])
    expect(await statusOf(`GET ${path} HTTP/1.1\r\n${headers}`)).toBe(422);
});

test("S10: a target in the absolute form is answered by its path; the host that counts is that of the Host header", async () => {
  expect(await statusOf("GET http://b/live HTTP/1.1\r\nHost: a")).toBe(200);
  expect(await statusOf("GET http://b/live HTTP/1.1")).toBe(400);
  expect(await statusOf("CONNECT b:80 HTTP/1.1\r\nHost: a")).toBeWithin(400, 500);
});

test("the public port has no /metrics, also below the prefix that gateways strip", async () => {
  for (const path of ["/metrics", "/messaging/metrics", "/api/v1/metrics"])
    expect((await fetch(web.url + path)).status).toBe(404);
});

test("who reads is let go when the longest time of an answer is over, and not after the ten seconds of Bun", async () => {
  await web.stop();
  web = new Fixture({ clock: new VirtualClock(), settings: { answerWithinMs: 1_000 } });
  web.store.viewerReads.listConversations = () => new Promise(() => {});
  const startedMs = performance.now();
  const headers = `Host: a\r\nAuthorization: Bearer ${tokenOf({ userId: Bun.randomUUIDv7() })}`;
  expect(await statusOf(`GET /api/v1/conversations HTTP/1.1\r\n${headers}`)).toBeNaN();
  expect(performance.now() - startedMs).toBeLessThan(8_000);
}, 180_000);

test("the address of a server that listens on IPv6 can be called as it is", async () => {
  await web.stop();
  web = new Fixture({ clock: new VirtualClock(), settings: { hostname: "::1" } });
  expect(web.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await fetch(`${web.url}/live`)).status).toBe(200);
});
