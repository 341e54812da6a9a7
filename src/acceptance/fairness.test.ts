import { afterAll, afterEach, beforeAll, expect, type Mock, spyOn, test } from "bun:test";
import type pg from "pg";
import { StoreTimedOut } from "../core/ports/store-errors.ts";
import { ReadPool } from "../store/connections/database.ts";
import { newId } from "../system.ts";
import { StoredConversation } from "../testing/builders/stored-conversation.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { eventually } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { outsidePool } from "../testing/processes/outside.ts";

/** One client's allowed load does not deny others: counted in what is read, not in time. */

let server: InProcess;
let outside: pg.Pool;
let spy: Mock<ReadPool["query"]> | null = null;

beforeAll(async () => {
  server = await startInProcess({ LIMIT_USER_REQUESTS_AT_ONCE: "60" });
  outside = outsidePool(server.databaseUrl, 4);
}, 120_000);
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
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const watched = watchReads((query) => {
    mostInOne = Math.max(mostInOne, readsOf(query));
    return readsOf(query) > 0;
  }, held);
  for (let pair = 0; pair < 300; pair++) {
    void socket.join(topic, `${pair}`);
    void socket.push(topic, `${pair}`, "phx_leave", "{}");
  }
  const last = socket.join(topic, "last");
  await socket.heartbeat();
  release();
  expect((await last).status).toBe("ok");
  expect(mostInOne).toBe(1);
  expect(watched.most).toBe(1);
  // The one that was under way, and one for all that came meanwhile.
  expect(watched.total).toBeLessThanOrEqual(2);
  socket.close();
}, 120_000);

test("I10: 40 lists of one user at once take one connection, and nobody's join waits for them", async () => {
  const [anna, ben] = [await aUserOf(3), await aUserOf(1)];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const watched = watchReads(({ name }) => name === "list-conversations", held);
  const headers = { authorization: `Bearer ${anna.token}` };
  const list = async () => {
    const answer = await fetch(`${server.url}/api/v1/conversations`, { headers });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const lists = Array.from({ length: 40 }, list);
  await eventually("the lists to be asked for", () => watched.underWay > 0);
  const socket = await FrameSocket.open({ url: server.url, token: ben.token });
  expect((await socket.join(`user:${ben.id}`, "1")).status).toBe("ok");
  expect(watched.underWay).toBe(1);
  // 60 of one user may wait: of 25 more, five at least are refused at once.
  const more = Array.from({ length: 25 }, list);
  const { status, body } = await Promise.any(more);
  expect(status).toBe(429);
  expect(body).toMatchObject({ error: "rate_limited", retry_after_ms: 1_000 });
  release();
  expect(new Set((await Promise.all(lists)).map(({ status }) => status))).toEqual(new Set([200]));
  expect(watched.most).toBe(1);
  socket.close();
}, 120_000);

test("I10: a page of history is at most a megabyte as it is encoded, in both directions, and says that there is more", async () => {
  const [anna, friend] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, friend]);
  for (let sent = 0; sent < 20; sent++) await conversation.send(friend, { content: "\u0001".repeat(65_000) });
  const headers = { authorization: `Bearer ${await server.token(anna)}` };
  for (const [cursor, first, end] of [
    ["before", 21, -1],
    ["after", 0, 0],
  ] as const) {
    const seqs: number[] = [];
    for (let at: number = first, hasMore = true; hasMore; ) {
      const path = `/api/v1/conversations/${conversation.id}/messages?${cursor}=${at}&limit=100`;
      const text = await (await fetch(`${server.url}${path}`, { headers })).text();
      expect(text.length).toBeLessThan(1_100_000);
      const { data, meta } = JSON.parse(text);
      const page: number[] = data.map(({ seq }: { seq: number }) => seq);
      expect(page).toEqual(page.toSorted((one, other) => other - one));
      seqs.push(...page);
      at = page.at(end)!;
      hasMore = meta.has_more;
    }
    expect(seqs.toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  }
}, 120_000);

test("I10: a page of a difference is at most a megabyte as it is encoded, and says that there is more", async () => {
  const [anna, friend] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, friend]);
  for (let sent = 0; sent < 20; sent++) await conversation.send(friend, { content: "\u0001".repeat(65_000) });
  const headers = { authorization: `Bearer ${await server.token(anna)}` };
  const seqs: number[] = [];
  for (let since = 0, hasMore = true; hasMore; ) {
    const path = `/api/v1/conversations/${conversation.id}/changes?since=${since}&limit=500`;
    const text = await (await fetch(`${server.url}${path}`, { headers })).text();
    expect(text.length).toBeLessThan(1_100_000);
    const { data, meta } = JSON.parse(text);
    seqs.push(...data.messages.map(({ seq }: { seq: number }) => seq));
    [since, hasMore] = [meta.next_since, meta.has_more];
  }
  expect(seqs).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
}, 120_000);

test("I10: a request that the store refuses for its data, or that takes too long, fails alone: joins that are read with it succeed", async () => {
  const [guilty, ...others] = await Promise.all(Array.from({ length: 12 }, () => aUserOf(2)));
  const fails = (error: object) =>
    watchReads(({ name, values }) => {
      if (name === "join-facts" && (values![4] as string[]).includes(guilty!.id)) throw error;
      return false;
    });
  for (const [error, reason] of [
    [new Error("invalid byte sequence"), "internal"],
    [new StoreTimedOut({ cause: null }), "unavailable"],
  ] as const) {
    fails(error);
    const sockets = await Promise.all(
      [guilty!, ...others].map(({ token }) => FrameSocket.open({ url: server.url, token })),
    );
    const users = [guilty!, ...others];
    const replies = await Promise.all(sockets.map((socket, at) => socket.join(`user:${users[at]!.id}`, "1")));
    expect(replies[0]).toMatchObject({ status: "error", response: { reason } });
    expect(replies.slice(1).filter(({ status }) => status !== "ok")).toEqual([]);
    for (const socket of sockets) socket.close();
    spy?.mockRestore();
  }
}, 120_000);
