import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/** That the settings reach what they limit, over the whole server; `web/gate.test.ts` has the rules, `engine/engine.test.ts` those of groups. */

let server: InProcess;
beforeAll(async () => {
  server = await startInProcess({
    // So slow that a burst is used up whatever time this test takes.
    LIMIT_USER_MESSAGES_PER_MIN: "1",
    LIMIT_USER_MESSAGES_BURST: "5",
    LIMIT_HANDSHAKES_PER_MIN_PER_IP: "1",
    LIMIT_HANDSHAKES_PER_MIN_PER_USER: "1",
    TRUSTED_PROXIES: "127.0.0.1",
    CORS_ALLOWED_ORIGINS: "https://app.example.org",
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

/** As far as a handshake comes that names no key: 422 stands for a socket that would be opened. */
const handshakeOf = async (
  token: string,
  headers: Readonly<Record<string, string>> = {},
  url = server.url,
) => {
  const all = { upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "13", ...headers };
  return (await fetch(`${url}/socket/websocket?vsn=2.0.0&token=${token}`, { headers: all })).status;
};

test("forged tokens are counted by the address that a trusted proxy names, and a good one from there is let in", async () => {
  const from = (address: string) => ({ "x-forwarded-for": address });
  const forged = `${await server.token(newId())}x`;
  const statusFrom = (address: string) => handshakeOf(forged, from(address));
  expect([await statusFrom("198.51.100.1"), await statusFrom("198.51.100.1")]).toEqual([401, 429]);
  expect(await statusFrom("198.51.100.2")).toBe(401);
  expect(await handshakeOf(await server.token(newId()), from("198.51.100.1"))).toBe(422);
});

test("after 125 handshakes with forged tokens, more than are allowed by default, good and expired tokens from the same address are answered as ever", async () => {
  await using place = await startInProcess({ LIMIT_HANDSHAKES_PER_MIN_PER_IP: "120" });
  const forged = `${await place.token(newId())}x`;
  const statuses = await Promise.all(Array.from({ length: 125 }, () => handshakeOf(forged, {}, place.url)));
  expect(statuses.filter((status) => status === 429).length).toBeWithin(1, 6);
  const expired = await place.token(newId(), { exp: 1_700_000_000 });
  const listed = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${place.url}/api/v1/conversations`, { headers })).status;
  };
  const good = await place.token(newId());
  expect(await handshakeOf(forged, {}, place.url)).toBe(429);
  expect([await handshakeOf(good, {}, place.url), await listed(good)]).toEqual([422, 200]);
  expect([await handshakeOf(expired, {}, place.url), await listed(expired)]).toEqual([401, 401]);
}, 120_000);

test("handshakes of one user are counted wherever they come from", async () => {
  const token = await server.token(newId());
  const from = (address: string) => handshakeOf(token, { "x-forwarded-for": address });
  expect([await from("198.51.100.3"), await from("198.51.100.4")]).toEqual([422, 429]);
});

test("pages of other origins than the setting names open no socket; those that it names, our own and native clients do", async () => {
  const statusOf = async (headers: Readonly<Record<string, string>>) =>
    handshakeOf(await server.token(newId()), headers);
  expect(await statusOf({ origin: "https://evil.example" })).toBe(403);
  expect(await statusOf({ origin: "null" })).toBe(403);
  for (const origin of ["https://app.example.org", new URL(server.url).origin])
    expect([origin, await statusOf({ origin })]).toEqual([origin, 422]);
  expect(await statusOf({})).toBe(422);
});

test("a socket that sends frames as fast as it can is closed, and what the rest of its user's sockets send counts with it", async () => {
  await using place = await startInProcess({
    LIMIT_CONNECTION_FRAMES_PER_MIN: "500",
    // A third of them may come at once.
    LIMIT_USER_FRAMES_PER_MIN: "3000",
  });
  const [anna, ben] = [newId(), newId()];
  const socketOf = async (userId: string) =>
    FrameSocket.open({ url: place.url, token: await place.token(userId) });
  const closedAfter = async (socket: FrameSocket, frames: number) => {
    for (let each = 0; each < frames; each++) socket.send(`[null,null,"conversation:none","user_typing",{}]`);
    await eventually("the close", () => socket.closeReason !== null);
    return socket.closeReason;
  };
  const bystander = await socketOf(ben);
  expect(await closedAfter(await socketOf(anna), 600)).toBe("too many frames");
  expect(await closedAfter(await socketOf(anna), 600)).toBe("too many frames");
  expect(await closedAfter(await socketOf(anna), 10)).toBe("too many frames of one user");
  expect((await bystander.heartbeat()).status).toBe("ok");
}, 120_000);

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
