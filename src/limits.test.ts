import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "./system.ts";
import { eventually } from "./testing/eventually.ts";
import { FrameSocket } from "./testing/frame-socket.ts";
import { type InProcess, startInProcess } from "./testing/in-process.ts";
import { RestClient } from "./testing/rest-client.ts";

/** That the settings reach what they limit, over the whole server; `web/gate.test.ts` has the rules, `engine/engine.test.ts` those of groups. */

let server: InProcess;
beforeAll(async () => {
  server = await startInProcess({
    // So slow that a burst is used up whatever time this test takes.
    LIMIT_USER_MESSAGES_PER_MIN: "1",
    LIMIT_USER_MESSAGES_BURST: "5",
    LIMIT_HANDSHAKES_PER_MIN_PER_IP: "1",
    TRUSTED_PROXIES: "127.0.0.1",
  });
}, 120_000);
afterAll(() => server[Symbol.asyncDispose](), 120_000);

test("a user who sends too much is refused by REST status and told when to come back; the other one is not", async () => {
  const [anna, ben] = [newId(), newId()];
  const [annas, bens] = await Promise.all([server.token(anna), server.token(ben)]);
  const conversationId = await new RestClient({ url: server.url, token: annas }).createDirect(ben);
  const send = (token: string) =>
    fetch(`${server.url}/api/v1/conversations/${conversationId}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: `{"content":"hello"}`,
    });
  const answers = await Promise.all(Array.from({ length: 8 }, () => send(annas)));
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([201, 201, 201, 201, 201, 429, 429, 429]);
  const refused = answers.find(({ status }) => status === 429)!;
  const { error, retry_after_ms } = (await refused.json()) as { error: string; retry_after_ms: number };
  expect(error).toBe("rate_limited");
  expect(retry_after_ms).toBeWithin(30_000, 60_001);
  expect(refused.headers.get("retry-after")).toBe(String(Math.ceil(retry_after_ms / 1_000)));
  expect((await send(bens)).status).toBe(201);
});

test("20 messages that waited and 10 that are stored already, all sent at once, are answered ok at both doors", async () => {
  await using place = await startInProcess({
    LIMIT_USER_MESSAGES_PER_MIN: "1",
    LIMIT_USER_MESSAGES_BURST: "30",
    LIMIT_CONNECTION_OPS_PER_MIN: "10",
  });
  for (const door of ["REST", "channel"]) {
    const anna = newId();
    const token = await place.token(anna, { deviceId: "phone" });
    const conversationId = await new RestClient({ url: place.url, token }).createDirect(newId());
    const topic = `conversation:${conversationId}`;
    const socket = await FrameSocket.open({ url: place.url, token });
    await socket.join(topic, "1");
    const overRest = async (body: string) => {
      const path = `${place.url}/api/v1/conversations/${conversationId}/messages`;
      const answer = await fetch(path, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body,
      });
      return answer.ok ? "ok" : "error";
    };
    const overChannel = async (body: string) => (await socket.push(topic, "1", "new_message", body)).status;
    const send = door === "REST" ? overRest : overChannel;
    const bodyOf = (_: unknown, key: number) => `{"content":"message ${key}","client_random":${key}}`;
    const stored = Array.from({ length: 10 }, bodyOf);
    for (const body of stored) expect(await send(body)).toBe("ok");
    // 10 of 30 are used up: the queue fits only if what is repeated costs nothing.
    const queue = Array.from({ length: 30 }, bodyOf);
    expect(new Set(await Promise.all(queue.map(send)))).toEqual(new Set(["ok"]));
    expect(await send(`{"content":"one more"}`)).toBe("error");
    socket.close();
  }
}, 120_000);

test("handshakes are counted by the address that a trusted proxy names", async () => {
  const statusFrom = async (address: string) => {
    const headers = { upgrade: "websocket", connection: "upgrade", "x-forwarded-for": address };
    return (await fetch(`${server.url}/socket/websocket?vsn=2.0.0`, { headers })).status;
  };
  expect([await statusFrom("198.51.100.1"), await statusFrom("198.51.100.1")]).toEqual([401, 429]);
  expect(await statusFrom("198.51.100.2")).toBe(401);
});

test("a user opens as many sockets as the setting says, is refused the next one by 429, and opens it when one has closed", async () => {
  const [anna, ben] = [newId(), newId()];
  const place = await startInProcess({ LIMIT_SOCKETS_PER_USER: "2" });
  try {
    const address = async (userId: string) =>
      `${place.url}/socket/websocket?vsn=2.0.0&token=${await place.token(userId)}`;
    const [annas, bens] = [await address(anna), await address(ben)];
    const opened = [await opens(annas), await opens(annas)];
    const headers = {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const refused = await fetch(annas, { headers });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(await refused.json()).toMatchObject({
      error: "rate_limited",
      message: expect.stringContaining("connections of one user"),
      retry_after_ms: 30_000,
    });
    opened.push(await opens(bens));
    opened.shift()!.close();
    await eventually("room for another one", async () => (await opens(annas).catch(() => null)) !== null);
    for (const socket of opened) socket.close();
  } finally {
    await place[Symbol.asyncDispose]();
  }
}, 120_000);

test("of many handshakes of one user at once no more are let in than the setting says", async () => {
  const place = await startInProcess({ LIMIT_SOCKETS_PER_USER: "5" });
  try {
    const address = `${place.url}/socket/websocket?vsn=2.0.0&token=${await place.token(newId())}`;
    const opened = await Promise.allSettled(Array.from({ length: 20 }, () => opens(address)));
    expect(opened.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
  } finally {
    await place[Symbol.asyncDispose]();
  }
}, 120_000);

function opens(address: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address.replace("http", "ws"));
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error("refused"));
  });
}
