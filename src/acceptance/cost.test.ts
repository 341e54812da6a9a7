import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  type Mock,
  spyOn,
  test,
} from "bun:test";
import type pg from "pg";
import { ReadPool } from "../store/connections/database.ts";
import { newId } from "../system.ts";
import { StoredConversation } from "../testing/builders/stored-conversation.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { People } from "../testing/clients/people.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { outsidePool } from "../testing/processes/outside.ts";

/** What devices cost the database when they come back, counted on the whole server. Writes of the lane are counted elsewhere. */

let server: InProcess;
let people: People;
let outside: pg.Pool;
let queries: Mock<ReadPool["query"]>;

beforeAll(async () => {
  server = await startInProcess();
  people = new People(server);
  outside = outsidePool(server.databaseUrl, 4);
}, 120_000);
afterAll(async () => {
  await people.disconnect();
  await outside.end();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  queries = spyOn(ReadPool.prototype, "query");
});
afterEach(() => queries.mockRestore());

const database = {
  sql: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    (await outside.query<Row>(text, [...values])).rows,
};

/** What a node saves for many devices and users at once, whenever it is due. */
const savings = ["save-cursors", "save-last-seen"];

/** The names of the statements that were asked while it was done, but for those savings. */
async function asked(act: () => Promise<unknown>): Promise<(string | undefined)[]> {
  const before = queries.mock.calls.length;
  await act();
  const names = queries.mock.calls.slice(before).map(([{ name }]) => name);
  return names.filter((name) => !name || !savings.includes(name));
}

/** Conversations of the user with as many messages as this each. */
async function conversationsOf(userId: string, count: number, messages: number): Promise<string[]> {
  const friend = newId();
  const stored = await Promise.all(
    Array.from({ length: count }, async () => {
      const conversation = await StoredConversation.of(database, [userId, friend]);
      if (messages > 0) await conversation.fill(friend, messages);
      return conversation;
    }),
  );
  return stored.map(({ id }) => id);
}

test("a device that comes back and missed nothing costs one query", async () => {
  const anna = await people.one();
  await conversationsOf(anna.id, 30, 3);
  const phone = await anna.online();
  await phone.disconnect();
  expect(await asked(() => phone.connect())).toEqual(["join-facts"]);
}, 120_000);

test("one that missed messages in 100 conversations costs the joins and their pages", async () => {
  const anna = await people.one();
  const phone = await anna.online();
  await phone.disconnect();
  const ids = await conversationsOf(anna.id, 100, 3);
  const reads = await asked(() => phone.connect());
  expect(reads.filter((name) => name === "changes").length).toBeLessThanOrEqual(4);
  expect(new Set(reads)).toEqual(new Set(["join-facts", "changes"]));
  for (const id of ids) expect(phone.messages(id)).toHaveLength(3);
}, 120_000);

test("with its conversations open at once it costs at most two", async () => {
  const anna = await people.one();
  const ids = await conversationsOf(anna.id, 20, 3);
  const phone = await anna.online();
  await phone.disconnect();
  const token = await server.token(anna.id, { deviceId: "phone" });
  const socket = await FrameSocket.open({ url: server.url, token });
  const names = await asked(async () => {
    const joins = ids.map((id) => socket.join(`conversation:${id}`, id, '{"since_seq":3,"since_rev":3}'));
    const replies = await Promise.all([socket.join(`user:${anna.id}`, "1"), ...joins]);
    expect(replies.filter(({ status }) => status !== "ok")).toEqual([]);
  });
  expect(names.length, names.join()).toBeLessThanOrEqual(2);
  socket.close();
}, 120_000);

test("one that says where it is costs one more, for numbers alone, however large its last messages are", async () => {
  const anna = await people.one();
  const phone = await anna.online();
  await phone.disconnect();
  const ids = await conversationsOf(anna.id, 30, 3);
  const socket = await FrameSocket.open({
    url: server.url,
    token: await server.token(anna.id, { deviceId: "phone" }),
  });
  const cursors = JSON.stringify({ cursors: Object.fromEntries(ids.map((id) => [id, 3])) });
  const names = await asked(async () => {
    const { status } = await socket.join(`user:${anna.id}`, "1", cursors);
    expect(status).toBe("ok");
  });
  expect(names).toEqual(["join-facts", "find-created-revs"]);
  socket.close();
}, 120_000);

test("the list costs one query, of one conversation as of 500", async () => {
  for (const count of [1, 500]) {
    const anna = await people.one();
    const ids = await conversationsOf(anna.id, count, 3);
    const pages: string[][] = [];
    const read = async (path: string) => {
      const { body } = await anna.rest.call("GET", path);
      pages.push((body as { data: { id: string }[] }).data.map(({ id }) => id));
    };
    expect(await asked(() => read("/conversations"))).toEqual(["list-conversations"]);
    expect(pages[0]).toHaveLength(Math.min(count, 50));
    expect(await asked(() => read("/conversations?limit=100&offset=400"))).toEqual(["list-conversations"]);
    expect(new Set(ids).isSupersetOf(new Set(pages.flat()))).toBe(true);
  }
}, 180_000);

describe("500 conversations joined at once", () => {
  async function joinAll(payload: string, messages: number) {
    const userId = newId();
    const ids = await conversationsOf(userId, 500, messages);
    const socket = await FrameSocket.open({ url: server.url, token: await server.token(userId) });
    const names = await asked(async () => {
      const joins = ids.map((id, index) => socket.join(`conversation:${id}`, `${index}`, payload));
      const replies = await Promise.all(joins);
      expect(replies.filter(({ status }) => status !== "ok")).toEqual([]);
    });
    socket.close();
    return names;
  }

  test("with nothing missed cost at most two queries", async () => {
    const names = await joinAll('{"since_seq":2,"since_rev":2}', 2);
    expect(names.length).toBeLessThanOrEqual(2);
  }, 180_000);

  test("without a cursor cost at most two queries", async () => {
    const names = await joinAll("{}", 2);
    expect(names.length).toBeLessThanOrEqual(2);
  }, 180_000);

  test("with something missed in each cost at most two more", async () => {
    const names = await joinAll('{"since_seq":1,"since_rev":1}', 2);
    expect(names.filter((name) => name === "join-facts").length).toBeLessThanOrEqual(2);
    expect(names.filter((name) => name === "changes").length).toBeLessThanOrEqual(2);
  }, 180_000);
});
