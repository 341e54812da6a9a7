import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { handshakeText, RawConnection } from "../testing/clients/raw-connection.ts";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/** C5: a process that may have 200 descriptors. */
const limit = 200;
const clients = 260;
/** Clock ticks in a second, as /proc counts them. */
const ticksPerSecond = 100;
const timeoutMs = 180_000;

let keys: TestKeys;
let database: TestDatabase;
let server: ServerProcess;
let connections: RawConnection[];

beforeAll(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
}, timeoutMs);
afterAll(async () => {
  await database.close();
  keys.dispose();
}, timeoutMs);
beforeEach(async () => {
  connections = [];
  server = await startServer({
    arguments: ["serve"],
    command: ["sh", "-c", `ulimit -n ${limit} && exec "$@"`, "sh", ...serverCommand()],
    environment: {
      DATABASE_URL: database.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    },
    port: await freePort(),
  });
}, timeoutMs);
afterEach(async () => {
  for (const connection of connections) connection.close();
  await server.end("SIGKILL");
}, timeoutMs);

async function openAll(text: () => string | Promise<string>): Promise<void> {
  const opening = Array.from({ length: clients }, async () => {
    connections.push(await RawConnection.sending(server.url, await text()));
  });
  await Promise.all(opening);
}

const withStatus = (status: number) => connections.filter((each) => each.status === status);

/** The part of one core that the process takes in two seconds. */
async function load(): Promise<number> {
  const ticks = () => {
    const fields = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  const startedMs = performance.now();
  await Bun.sleep(2_000);
  return (ticks() - before) / ticksPerSecond / ((performance.now() - startedMs) / 1_000);
}

const readiness = async () => (await fetch(`${server.url}/ready`)).json() as Promise<{ status: string }>;
const lines = () => server.output().match(/^.*"event":"descriptors_exhausted".*$/gm) ?? [];

async function send(): Promise<number> {
  const headers = { authorization: `Bearer ${await keys.token(newId())}`, connection: "close" };
  const body = JSON.stringify({ type: "direct", other_user_id: newId() });
  return (await fetch(`${server.url}/api/v1/conversations`, { method: "POST", headers, body })).status;
}

test(
  "more sockets than it may have: as many as leave room for the database are open, the others are refused with 503, and it says so once",
  async () => {
    const token = () => keys.token(newId());
    await openAll(async () => handshakeText(`/socket/websocket?vsn=2.0.0&token=${await token()}`));
    await Promise.all(connections.map((each) => each.settled()));
    const [open, refused] = [withStatus(101), withStatus(503)];
    expect(open.length + refused.length).toBe(clients);
    expect(open.length).toBeWithin(60, limit - 40);
    for (const each of refused) expect(Number(each.header("retry-after"))).toBeGreaterThan(0);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain('"level":"error"');
    expect(await load()).toBeLessThan(0.25);
    expect(await readiness()).toMatchObject({
      status: "degraded",
      checks: { descriptors: { status: "degraded" }, database: { status: "ok" } },
    });
    expect(open.every((each) => !each.isClosed)).toBe(true);

    for (const each of open.slice(0, 30)) each.close();
    await eventually("it to be ready", async () => (await readiness()).status === "ready");
    expect(await send()).toBe(201);
  },
  timeoutMs,
);

test(
  "connections that say nothing take what there is: no busy loop, what waits is refused, and all is well when they are gone",
  async () => {
    await openAll(() => "");
    await eventually("some to be refused", () => withStatus(503).length > 0);
    expect(await load()).toBeLessThan(0.25);
    const another = await RawConnection.sending(server.url, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    connections.push(another);
    expect((await another.settled()).status).toBe(503);
    expect(another.header("retry-after")).toBe("5");

    for (const each of connections) each.close();
    await eventually("it to be ready", async () => (await readiness()).status === "ready");
    expect(await send()).toBe(201);
    expect(lines().length).toBeWithin(1, 10);
  },
  timeoutMs,
);

test(
  "requests that keep their connection count as well, and lose it before the database does",
  async () => {
    const token = await keys.token(newId());
    const request = `GET /api/v1/conversations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    await openAll(() => request);
    await Promise.all(connections.map((each) => each.settled()));
    for (const each of connections) expect([200, 503]).toContain(each.status!);
    expect(withStatus(200).length).toBeGreaterThan(60);
    expect(await load()).toBeLessThan(0.25);
    await eventually("room", async () => (await send().catch(() => 0)) === 201);
  },
  timeoutMs,
);
