import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type pg from "pg";
import { newId } from "../../system.ts";
import { StoredConversation } from "../builders/stored-conversation.ts";
import { testKeys } from "../builders/tokens.ts";
import { FrameSocket } from "../clients/frame-socket.ts";
import { testDatabase } from "../processes/database.ts";
import { binaryUnderTest } from "../processes/isolated-binary.ts";
import { outsidePool } from "../processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../processes/server.ts";
import type { NeighbourLoad } from "./neighbour-load.ts";

/**
 * What the allowed load of one client costs all others, measured and printed for bench/README.md, on the executable with a PostgreSQL of its
 * own: `WHISPR_TEST_BINARY=dist/whispr-msg bun test ./src/testing/costs/neighbour-cost.ts`. Wants a machine that does nothing else.
 */

const others = 8;
const pauseMs = 20;
const alone = { type: "alone" } as const;

let server: ServerProcess;
let outside: pg.Pool;
let tokenOf: (userId: string, claims?: Readonly<Record<string, unknown>>) => Promise<string>;
let joiners: Joiner[];
const closers: (() => unknown)[] = [];

const database = {
  sql: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    (await outside.query<Row>(text, [...values])).rows,
};

beforeAll(async () => {
  const [postgres, keys] = await Promise.all([testDatabase(), testKeys()]);
  tokenOf = keys.token;
  server = await startServer({
    command: [binaryUnderTest()],
    arguments: ["serve"],
    environment: {
      DATABASE_URL: postgres.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
      LIMIT_CONNECTION_JOINS_PER_MIN: "5000",
      LIMIT_USER_REQUESTS_AT_ONCE: "300",
      DB_POOL_SIZE: process.env.DB_POOL_SIZE ?? "10",
    },
    port: await freePort(),
  });
  outside = outsidePool(postgres.url, 8);
  closers.push(
    () => keys.dispose(),
    () => postgres.close(),
    () => outside.end(),
    () => server.end("SIGTERM"),
  );
  joiners = await Promise.all(Array.from({ length: others }, aJoiner));
}, 60_000);
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

interface Joiner {
  /** Joins a conversation and leaves it. How long the join took, and what it was answered. */
  join(): Promise<{ readonly tookMs: number; readonly status: string }>;
}

async function aJoiner(): Promise<Joiner> {
  const userId = newId();
  const [conversation] = await conversationsOf(userId, 1);
  const socket = await FrameSocket.open({ url: server.url, token: await tokenOf(userId) });
  const topic = `conversation:${conversation!.id}`;
  let joins = 0;
  closers.push(() => socket.close());
  return {
    async join() {
      const joinRef = `${joins++}`;
      const beganMs = performance.now();
      const { status, response } = await socket.join(topic, joinRef, '{"since_seq":1,"since_rev":1}');
      const tookMs = performance.now() - beganMs;
      await socket.push(topic, joinRef, "phx_leave", "{}");
      return { tookMs, status: status === "ok" ? "ok" : String(response.reason) };
    },
  };
}

async function conversationsOf(userId: string, count: number, content = "text") {
  const friend = newId();
  const made: StoredConversation[] = [];
  const one = async () => {
    const conversation = await StoredConversation.of(database, [userId, friend]);
    await conversation.send(friend, { content });
    made.push(conversation);
  };
  for (let begun = 0; begun < count; begun += 8) {
    await Promise.all(Array.from({ length: Math.min(8, count - begun) }, one));
  }
  return made;
}

/** Everybody else joins until `work` is over; prints how long their joins took. */
async function whileOthersJoin(what: string, work: Promise<unknown>): Promise<number> {
  const tookMs: number[] = [];
  const refused = new Map<string, number>();
  let isOver = false;
  const joining = joiners.map(async (joiner) => {
    while (!isOver) {
      const { tookMs: took, status } = await joiner.join();
      if (status === "ok") tookMs.push(took);
      else refused.set(status, (refused.get(status) ?? 0) + 1);
      await Bun.sleep(pauseMs);
    }
  });
  const result = await work;
  isOver = true;
  await Promise.all(joining);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(tookMs, share));
  const told = { what, joins: tookMs.length, p50Ms: p50, p99Ms: p99, maxMs: max, result };
  console.log(JSON.stringify({ ...told, refused: Object.fromEntries(refused) }));
  return p50!;
}

async function inAThread(load: NeighbourLoad): Promise<string> {
  const worker = new Worker(new URL("./neighbour-load.ts", import.meta.url));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(load);
  const result = await promise;
  worker.terminate();
  return result;
}

test("E4: one user with 1,000 conversations who joins and leaves their topic 1,000 times", async () => {
  const userId = newId();
  await conversationsOf(userId, 1_000);
  await database.sql("vacuum analyze");
  const token = await tokenOf(userId);
  await whileOthersJoin("warm-up", Bun.sleep(2_000));
  await whileOthersJoin(alone.type, Bun.sleep(5_000));
  for (const type of ["storm", "turns"] as const) {
    await whileOthersJoin(`1,000 pairs, ${type}`, inAThread({ type, url: server.url, token, userId }));
  }
}, 300_000);

test("E9: one user with 500 conversations who asks for 40 lists at once", async () => {
  const userId = newId();
  await conversationsOf(userId, 500);
  await database.sql("vacuum analyze");
  const token = await tokenOf(userId);
  await whileOthersJoin(alone.type, Bun.sleep(5_000));
  await whileOthersJoin("40 lists at a time", inAThread({ type: "lists", url: server.url, token }));
}, 300_000);

test("E5: 60 joins with cursors for 300 conversations whose last messages have 60 kB", async () => {
  const userId = newId();
  const conversations = await conversationsOf(userId, 300);
  const token = await tokenOf(userId, { deviceId: "phone" });
  const first = await FrameSocket.open({ url: server.url, token });
  await first.join(`user:${userId}`, "1");
  first.close();
  for (const conversation of conversations) await conversation.send(userId, { content: noise(60_000) });
  const cursors = JSON.stringify({
    cursors: Object.fromEntries(conversations.map(({ id }) => [id, 2])),
  });
  const sockets = await Promise.all(
    Array.from({ length: 60 }, () => FrameSocket.open({ url: server.url, token })),
  );
  const before = memoryOf(server.pid);
  const replies = await Promise.all(sockets.map((socket) => socket.join(`user:${userId}`, "1", cursors)));
  console.log(JSON.stringify({ what: "60 joins", beforeMB: before.rss, mostMB: memoryOf(server.pid).most }));
  expect(replies.filter(({ status }) => status !== "ok")).toEqual([]);
  for (const socket of sockets) socket.close();
}, 300_000);

/** Text that does not compress. */
function noise(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(length / 2)));
  return Buffer.from(bytes).toString("hex").slice(0, length);
}

/** Megabytes: at present, and the most so far. */
function memoryOf(pid: number): { readonly rss: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string) =>
    Math.round(Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))![1]) / 1_024);
  return { rss: read("VmRSS"), most: read("VmHWM") };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Number(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!.toFixed(2));
}
