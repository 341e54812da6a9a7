import { afterAll, beforeAll, expect, test } from "bun:test";
import type pg from "pg";
import { newId } from "../../system.ts";
import { StoredConversation } from "../builders/stored-conversation.ts";
import { testKeys } from "../builders/tokens.ts";
import { testDatabase } from "../processes/database.ts";
import { binaryUnderTest } from "../processes/isolated-binary.ts";
import { outsidePool } from "../processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../processes/server.ts";

/**
 * What the list of conversations takes, measured and printed for bench/README.md, on the compiled executable with a PostgreSQL of its own:
 * `bun test ./src/testing/costs/list-cost.ts`. Wants a machine that does nothing else.
 */

const requests = 300;
/** The slowest of a hundred answers, for a user with 500 conversations of which some are unread. */
const longestMs = 30;

let server: ServerProcess;
let outside: pg.Pool;
let tokenOf: (userId: string) => Promise<string>;
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
}, 60_000);
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const shapes = [
  { conversations: 1, members: 2, unread: 5 },
  { conversations: 500, members: 2, unread: 5 },
  { conversations: 500, members: 20, unread: 50 },
  { conversations: 500, members: 2, unread: 1_500 },
];

for (const { conversations, members, unread } of shapes) {
  const shape = `${conversations} conversations of ${members} members with ${unread} unread messages each`;
  test(`the list of ${shape}`, async () => {
    const userId = newId();
    await fill(userId, { conversations, members, unread });
    await database.sql("vacuum analyze");
    const list = await lister(userId);
    for (let warm = 0; warm < 50; warm++) await list();
    const tookMs: number[] = [];
    for (let count = 0; count < requests; count++) tookMs.push(await list());
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(tookMs, share));
    console.log(JSON.stringify({ shape, requests, p50Ms: p50, p99Ms: p99, maxMs: max }));
    if (unread <= 50) expect(p99!).toBeLessThan(longestMs);
  }, 300_000);
}

async function fill(userId: string, shape: (typeof shapes)[number]): Promise<void> {
  const friends = Array.from({ length: shape.members - 1 }, newId);
  const one = async () => {
    const conversation = await StoredConversation.of(database, [userId, ...friends]);
    await conversation.fill(friends[0]!, 100);
    await conversation.mark(userId, 100, 100);
    await conversation.fill(friends[0]!, shape.unread);
  };
  for (let made = 0; made < shape.conversations; made += 8) {
    await Promise.all(Array.from({ length: Math.min(8, shape.conversations - made) }, one));
  }
}

/** Resolves with how long an answer took, from the request to the last byte of its body. */
async function lister(userId: string): Promise<() => Promise<number>> {
  const headers = { authorization: `Bearer ${await tokenOf(userId)}` };
  return async () => {
    const startMs = performance.now();
    const answer = await fetch(`${server.url}/api/v1/conversations`, { headers });
    await answer.arrayBuffer();
    expect(answer.status).toBe(200);
    return performance.now() - startMs;
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Number(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!.toFixed(2));
}
