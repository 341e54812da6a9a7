import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { StockClient } from "../testing/clients/stock-client.ts";
import { eventually } from "../testing/eventually.ts";
import { paced } from "../testing/pace.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { Front } from "../testing/processes/front.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** Two processes on one DATABASE_URL: one owns, the other one waits for it. */

let keys: TestKeys;
let database: TestDatabase;
const running: ServerProcess[] = [];

beforeEach(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
}, 120_000);
afterEach(async () => {
  for (const server of running.splice(0)) await server.end("SIGKILL");
  await database.close();
  keys.dispose();
}, 120_000);

describe("a second process on the same database", () => {
  test("is live, not ready, says why, and refuses to write", async () => {
    const [, standby] = await firstAndStandby();
    const readiness = async () => {
      const response = await fetch(`${standby.url}/ready`);
      return { code: response.status, ...((await response.json()) as { status: string; reason: string }) };
    };
    await eventually("it to see the other one", async () =>
      (await readiness()).reason.includes("another process"),
    );
    expect(await readiness()).toMatchObject({
      code: 503,
      status: "unavailable",
      reason: expect.stringContaining("stands by"),
      checks: { database: { status: "ok" }, ownership: { status: "unavailable" } },
    });
    expect((await fetch(`${standby.url}/live`)).status).toBe(200);
    const { conversationId, tokens } = await aliceAndBob(standby.url);
    const response = await fetch(`${standby.url}/api/v1/conversations/${conversationId}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${tokens[0]}` },
      body: `{"content":"to the wrong one"}`,
    });
    expect(await response.json()).toMatchObject({ error: "unavailable" });
    expect(response.status).toBe(503);
  }, 120_000);

  test("takes over within a second when the first is killed; nothing is lost, nothing comes twice", async () => {
    const [first, standby] = await firstAndStandby();
    const front = await Front.listen(portOf(first));
    const { userIds, tokens, conversationId } = await aliceAndBob(first.url);
    const clients = [0, 1].map(
      (n) => new StockClient({ url: front.url, token: tokens[n]!, userId: userIds[n]!, conversationId }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    for (const client of clients) client.start(50);
    await eventually("messages to flow", () => clients.every(({ acknowledged }) => acknowledged.size > 200));

    await first.end("SIGKILL");
    const killedMs = performance.now();
    front.target = portOf(standby);
    await eventually("the standby to be ready", async () => (await fetch(`${standby.url}/ready`)).ok);
    const tookMs = performance.now() - killedMs;
    console.log(`standby: took over after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(paced(1_000));

    const before = clients.map(({ acknowledged }) => acknowledged.size);
    await eventually("messages to flow again", () =>
      clients.every(({ acknowledged }, n) => acknowledged.size > before[n]! + 100),
    );
    await Promise.all(clients.map((client) => client.settle()));
    const log = await new RestClient({ url: standby.url, token: tokens[0]! }).history(conversationId);
    expectWhole(log, clients);
    for (const client of clients) client.close();
    front.close();
    expect((await standby.end("SIGTERM")).code).toBe(0);
  }, 180_000);

  test("takes over at once when the first one is stopped", async () => {
    const [first, standby] = await firstAndStandby();
    expect((await first.end("SIGTERM")).code).toBe(0);
    const endedMs = performance.now();
    await eventually("the standby to be ready", async () => (await fetch(`${standby.url}/ready`)).ok);
    expect(performance.now() - endedMs).toBeLessThan(paced(1_000));
  }, 120_000);
});

async function firstAndStandby(): Promise<[first: ServerProcess, standby: ServerProcess]> {
  const environment = {
    DATABASE_URL: database.url,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    // What comes to a standby waits so long for it to take over.
    WHISPR_COMMAND_DEADLINE: "1s",
  };
  const start = async (waitFor: "ready" | "live") => {
    const server = await startServer({ arguments: ["serve"], environment, port: await freePort(), waitFor });
    running.push(server);
    return server;
  };
  const first = await start("ready");
  return [first, await start("live")];
}

async function aliceAndBob(url: string) {
  const userIds = [newId(), newId()] as const;
  const tokens = await Promise.all(userIds.map((userId) => keys.token(userId)));
  const conversationId = await new RestClient({ url, token: tokens[0]! }).createDirect(userIds[1]);
  return { userIds, tokens, conversationId };
}

/** Every acknowledged message once, in order; every push true and told once under its seq. */
function expectWhole(log: { id: string; seq: number; content: string }[], clients: StockClient[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const byContent = new Map(log.map((message) => [message.content, message]));
  expect(byContent.size).toBe(log.length);
  for (const { acknowledged, heard, heardAsUser } of clients) {
    for (const [content, { id }] of acknowledged) expect(byContent.get(content)?.id).toBe(id);
    for (const stream of [heard, heardAsUser]) {
      for (const { id, seq } of stream) expect(log[seq - 1]?.id).toBe(id);
      expect(new Set(stream.map(({ seq }) => seq)).size).toBe(stream.length);
    }
  }
}

function portOf(server: ServerProcess): number {
  return Number(new URL(server.url).port);
}
