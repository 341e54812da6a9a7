import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** The executable with JWT_SUBJECT_NAMESPACE, and an identity provider whose subjects are not UUIDs. */

const namespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const anna = "auth0|507f1f77bcf86cd799439020";
const ben = "163840776835432705";
const uuid = "0198c0de-0000-7000-8000-00000000a11c";

let database: TestDatabase;
let keys: TestKeys;
let server: ServerProcess;

beforeAll(async () => {
  [database, keys] = await Promise.all([testDatabase(), testKeys()]);
  server = await startServer({
    arguments: ["serve"],
    environment: {
      DATABASE_URL: database.url,
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
      JWT_SUBJECT_NAMESPACE: namespace.toUpperCase(),
      WHISPR_AUTO_MIGRATE: "1",
      LOG_LEVEL: "trace",
      LOG_FORMAT: "json",
    },
    port: await freePort(),
  });
}, 180_000);
afterAll(async () => {
  await server.end("SIGTERM");
  keys.dispose();
  await database.close();
});

/** UUIDv5 by another implementation than the server's (RFC 9562 5.5, 6.5). */
async function uuidV5(subject: string): Promise<string> {
  const name = new TextEncoder().encode(subject);
  const bytes = new Uint8Array([...Buffer.from(namespace.replaceAll("-", ""), "hex"), ...name]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).slice(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return Buffer.from(hash)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

async function restOf(subject: string): Promise<RestClient> {
  return new RestClient({ url: server.url, token: await keys.token(subject) });
}

async function socketOf(subject: string): Promise<FrameSocket> {
  return FrameSocket.open({ url: server.url, token: await keys.token(subject) });
}

describe("a user whose subject is not a UUID", () => {
  test("has the UUIDv5 of it at every door, and messages reach them there", async () => {
    const [annaId, benId] = await Promise.all([uuidV5(anna), uuidV5(ben)]);
    const id = await (await restOf(anna)).createDirect(benId);

    const socket = await socketOf(ben);
    const heard: unknown[] = [];
    socket.onFrame = ({ event, payload }) => event === "new_message" && heard.push(payload);
    const { status, response } = await socket.join(`user:${benId.toUpperCase()}`, "1");
    expect([status, response.user_id]).toEqual(["ok", benId]);

    const asAnna = await socketOf(anna);
    await asAnna.join(`conversation:${id}`, "1");
    const content = '{"content":"hello","client_random":1}';
    const sent = await asAnna.push(`conversation:${id}`, "1", "new_message", content);
    expect(sent.response).toMatchObject({ message: { sender_id: annaId, seq: 1 } });
    await eventually("Ben to receive it", () => heard.length === 1);
    const again = await (await restOf(anna)).call(
      "POST",
      `/conversations/${id}/messages`,
      JSON.parse(content),
    );
    expect(again.body).toMatchObject({ data: { sender_id: annaId }, meta: { duplicate: true } });
    socket.close();
    asAnna.close();
  });

  test("has their own topic under that id alone", async () => {
    const socket = await socketOf(anna);
    for (const topic of [
      `user:${anna}`,
      `user:${await uuidV5(ben)}`,
      `user:${await uuidV5(anna.toUpperCase())}`,
    ])
      expect((await socket.join(topic, topic)).status).toBe("error");
    expect((await socket.join(`user:${await uuidV5(anna)}`, "own")).status).toBe("ok");
    socket.close();
  });

  test("is never named by it in the log, not even when the topic of a join is it", () => {
    expect(server.output()).toContain("join_refused");
    for (const subject of [anna, ben, anna.slice("auth0|".length)])
      expect(server.output()).not.toContain(subject);
  });
});

test("a subject that is a UUID stands for itself, in any case", async () => {
  const socket = await socketOf(uuid.toUpperCase());
  expect((await socket.join(`user:${uuid}`, "1")).response.user_id).toBe(uuid);
  socket.close();
});

test("a subject with control characters, an unpaired surrogate or too many characters is refused at both doors", async () => {
  for (const subject of ["a\u0000", "a\nb", "\u009bc", "\ud800", "x".repeat(256)]) {
    const token = await keys.token(subject);
    const headers = { authorization: `Bearer ${token}` };
    const rest = await fetch(`${server.url}/api/v1/conversations`, { headers });
    expect([rest.status, (await rest.json()) as unknown]).toEqual([
      401,
      { error: "unauthorized", message: expect.stringContaining("the token's subject ") },
    ]);
    const handshake = await fetch(`${server.url}/socket/websocket?vsn=2.0.0&token=${token}`, {
      headers: { upgrade: "websocket" },
    });
    expect(handshake.status).toBe(401);
  }
});
