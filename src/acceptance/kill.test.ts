import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { StockClient } from "../testing/clients/stock-client.ts";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/** I1, I2, I3 on the executable: kill -9 at random moments under two stock clients. */

const rounds = 10;
const inFlightEach = 60;

let keys: TestKeys;
beforeAll(async () => {
  keys = await testKeys();
});
afterAll(() => keys.dispose());

describe("kill -9 of the server under load loses nothing that was acknowledged and doubles nothing", () => {
  test("with a PostgreSQL of one's own", async () => {
    const database: TestDatabase = await testDatabase();
    try {
      await survivesKills({ DATABASE_URL: database.url, WHISPR_AUTO_MIGRATE: "1" }, async () => database.url);
    } finally {
      await database.close();
    }
  }, 300_000);

  test("with the embedded one", async () => {
    const dataDir = join(mkdtempSync(join(tmpdir(), "whispr-kill-")), "data");
    const environment = { WHISPR_DATA_DIR: dataDir };
    try {
      await survivesKills(environment, async () => embeddedUrl(environment));
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  }, 300_000);
});

async function survivesKills(
  store: Record<string, string>,
  databaseUrl: () => Promise<string>,
): Promise<void> {
  const port = await freePort();
  const environment = { ...store, JWT_PUBLIC_KEYS_FILE: keys.jwksFile };
  const start = () => startServer({ arguments: ["serve"], environment, port });
  let server = await start();
  const { clients, conversationId, readers } = await twoClients(server);
  for (const client of clients) client.start(inFlightEach);

  for (let round = 0; round < rounds; round++) {
    await Bun.sleep(Math.random() * 300);
    expect(clients[0].unacknowledged + clients[1].unacknowledged).toBeGreaterThanOrEqual(50);
    await server.end("SIGKILL");
    server = await start();
    const before = clients.map((client) => client.acknowledged.size);
    await eventually("both send again", () =>
      clients.every((client, index) => client.acknowledged.size > before[index]!),
    );
  }
  await Promise.all(clients.map((client) => client.settle()));

  const log = await readers[0].history(conversationId);
  const asTheOther = await readers[1].history(conversationId);
  expect(asTheOther.map((message) => message.id)).toEqual(log.map((message) => message.id));
  expect(log.map((message) => message.seq)).toEqual(log.map((_, index) => index + 1));
  const byContent = new Map(log.map((message) => [message.content, message]));
  expect(byContent.size).toBe(log.length);
  for (const client of clients) {
    for (const [content, message] of client.acknowledged) expect(byContent.get(content)?.id).toBe(message.id);
    for (const heard of [client.heard, client.heardAsUser]) expectTrue(heard, log);
  }
  expect(await countedInSql(await databaseUrl(), conversationId)).toEqual({
    max: log.length,
    count: log.length,
  });
  for (const client of clients) client.close();
  expect((await server.end("SIGTERM")).code).toBe(0);
}

/** What a stream told is the log's truth: no message under another seq, none twice within one connection's order. */
function expectTrue(heard: readonly { id: string; seq: number }[], log: readonly { id: string }[]): void {
  for (const message of heard) expect(log[message.seq - 1]?.id).toBe(message.id);
  expect(new Set(heard.map((message) => message.seq)).size).toBe(heard.length);
}

async function twoClients(server: ServerProcess) {
  const [alice, bob] = [newId(), newId()];
  const [aliceToken, bobToken] = await Promise.all([keys.token(alice), keys.token(bob)]);
  const readers = [
    new RestClient({ url: server.url, token: aliceToken }),
    new RestClient({ url: server.url, token: bobToken }),
  ] as const;
  const conversationId = await readers[0].createDirect(bob);
  const clients = [
    new StockClient({ url: server.url, token: aliceToken, userId: alice, conversationId }),
    new StockClient({ url: server.url, token: bobToken, userId: bob, conversationId }),
  ] as const;
  await Promise.all(clients.map((client) => client.connect()));
  return { clients, conversationId, readers };
}

async function countedInSql(url: string, conversationId: string) {
  const client = await outsideClient(url);
  const { rows } = await client.query(
    "select max(seq)::int as max, count(*)::int as count from messages where conversation_id = $1",
    [conversationId],
  );
  await client.end();
  return rows[0];
}

async function embeddedUrl(environment: Record<string, string>): Promise<string> {
  const [file, ...before] = serverCommand();
  const told = Bun.spawnSync([file!, ...before, "psql-url"], {
    env: { PATH: process.env.PATH, ...environment },
  });
  return told.stdout.toString().trim();
}
