import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { StockClient } from "../testing/clients/stock-client.ts";
import { eventually } from "../testing/eventually.ts";
import { paced } from "../testing/pace.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** I1 with the embedded PostgreSQL dying under a server that goes on. */

/** On an idle machine. */
const readyWithinMs = 3_000;

let keys: TestKeys;
let directory: string;
beforeAll(async () => {
  keys = await testKeys();
  directory = mkdtempSync(join(tmpdir(), "whispr-database-kill-"));
});
afterAll(() => {
  keys.dispose();
  rmSync(directory, { recursive: true, force: true });
});

test("kill -9 of the embedded postmaster, and of one of its backends, under load: ready again within 3 s, nothing lost", async () => {
  const dataDir = join(directory, "data");
  await using server = await startServer({
    arguments: ["serve"],
    environment: { WHISPR_DATA_DIR: dataDir, JWT_PUBLIC_KEYS_FILE: keys.jwksFile },
    port: await freePort(),
  });
  const { client, rest, conversationId } = await oneSender(server);
  client.start(100);

  await becomesReadyAfter(server, client, () => kill(postmasterOf(dataDir)));
  await becomesReadyAfter(server, client, () => kill(laneBackendOf(dataDir)));
  await becomesReadyAfter(server, client, () => kill(postmasterOf(dataDir)));

  await client.settle();
  const log = await rest.history(conversationId);
  expect(log.map((message) => message.seq)).toEqual(log.map((_, index) => index + 1));
  expect(new Set(log.map((message) => message.content)).size).toBe(log.length);
  const stored = new Set(log.map((message) => message.id));
  for (const message of client.acknowledged.values()) expect(stored.has(message.id)).toBe(true);
  expect(client.socket.isConnected()).toBe(true);
  client.close();
  expect((await server.end("SIGTERM")).code).toBe(0);
}, 180_000);

async function oneSender(server: ServerProcess) {
  const [alice, bob] = [newId(), newId()];
  const token = await keys.token(alice);
  const rest = new RestClient({ url: server.url, token });
  const conversationId = await rest.createDirect(bob);
  const client = new StockClient({ url: server.url, token, userId: alice, conversationId });
  await client.connect();
  return { client, rest, conversationId };
}

/** Ready as its probe says, and acknowledging again. */
async function becomesReadyAfter(
  server: ServerProcess,
  client: StockClient,
  deed: () => void,
): Promise<void> {
  const acknowledged = client.acknowledged.size;
  await eventually("messages flow before the kill", () => client.acknowledged.size > acknowledged);
  deed();
  const startedMs = performance.now();
  await eventually("the loss is noticed", async () => !(await isReady(server)));
  const before = client.acknowledged.size;
  await eventually("ready again", () => isReady(server));
  await eventually("messages flow again", () => client.acknowledged.size > before);
  expect(performance.now() - startedMs).toBeLessThan(paced(readyWithinMs));
}

async function isReady(server: ServerProcess): Promise<boolean> {
  return (await fetch(`${server.url}/ready`)).ok;
}

function postmasterOf(dataDir: string): number {
  return Number(readFileSync(join(dataDir, "data", "postmaster.pid"), "utf8").split("\n")[0]);
}

/** A backend of ours, found as a child of the postmaster: the one that has used the most time is the lane's. */
function laneBackendOf(dataDir: string): number {
  const children = Bun.spawnSync([
    "ps",
    "-o",
    "pid=,args=",
    "--ppid",
    String(postmasterOf(dataDir)),
    "--sort=-time",
  ]);
  const backend = children.stdout
    .toString()
    .split("\n")
    .find((line) => /postgres: \S+ \S+ \[local\]/.test(line));
  return Number.parseInt(backend!, 10);
}

function kill(pid: number): void {
  process.kill(pid, "SIGKILL");
}
