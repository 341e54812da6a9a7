import { afterAll, afterEach, beforeAll, expect, type Mock, spyOn, test } from "bun:test";
import pg from "pg";
import { ReadPool } from "./store/database.ts";
import { newId } from "./system.ts";
import { FrameSocket } from "./testing/frame-socket.ts";
import { type InProcess, startInProcess } from "./testing/in-process.ts";
import { StoredConversation } from "./testing/stored-conversation.ts";

/** One client's allowed load does not deny others: counted in what is read, not in time. */

let server: InProcess;
let outside: pg.Pool;
let spy: Mock<ReadPool["query"]> | null = null;

beforeAll(async () => {
  server = await startInProcess();
  outside = new pg.Pool({ connectionString: server.databaseUrl, max: 4 });
}, 30_000);
afterAll(async () => {
  await outside.end();
  await server[Symbol.asyncDispose]();
});
afterEach(() => spy?.mockRestore());

const database = {
  sql: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    (await outside.query<Row>(text, [...values])).rows,
};

interface Watched {
  underWay: number;
  most: number;
  total: number;
}

/** How many reads of this kind there were, and at once. `hold` keeps each until it resolves. */
function watchReads(isMeant: (query: pg.QueryConfig) => boolean, hold = Promise.resolve()): Watched {
  const watched = { underWay: 0, most: 0, total: 0 };
  const original = ReadPool.prototype.query;
  spy = spyOn(ReadPool.prototype, "query").mockImplementation(async function (this: ReadPool, query) {
    if (!isMeant(query)) return original.call(this, query);
    watched.total++;
    watched.most = Math.max(watched.most, ++watched.underWay);
    try {
      await hold;
      return await original.call(this, query);
    } finally {
      watched.underWay--;
    }
  } as ReadPool["query"]);
  return watched;
}

async function aUserOf(conversations: number): Promise<{ readonly id: string; readonly token: string }> {
  const id = newId();
  const friend = newId();
  await Promise.all(
    Array.from({ length: conversations }, () => StoredConversation.of(database, [id, friend])),
  );
  return { id, token: await server.token(id) };
}

test("I10: a storm of joins and leaves of one user's topic is read once at a time, and not once for each", async () => {
  const anna = await aUserOf(40);
  const socket = await FrameSocket.open({ url: server.url, token: anna.token });
  const topic = `user:${anna.id}`;
  const readsOf = ({ name, values }: pg.QueryConfig) =>
    name === "join-facts" ? (values![4] as string[]).filter((id) => id === anna.id).length : 0;
  let mostInOne = 0;
  const watched = watchReads((query) => {
    mostInOne = Math.max(mostInOne, readsOf(query));
    return readsOf(query) > 0;
  });
  for (let pair = 0; pair < 300; pair++) {
    void socket.join(topic, `${pair}`);
    void socket.push(topic, `${pair}`, "phx_leave", "{}");
  }
  expect((await socket.join(topic, "last")).status).toBe("ok");
  expect(mostInOne).toBe(1);
  expect(watched.most).toBe(1);
  expect(watched.total).toBeLessThan(150);
  socket.close();
}, 30_000);
