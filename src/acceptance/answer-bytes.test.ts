import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { eventually } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/** S3: every answer is bounded in bytes as they are sent, whatever was written. U+0001 takes six bytes as JSON. */

const pageBytes = 1 << 20;
const content = "\u0001".repeat(65_000);
const count = 24;

let server: InProcess;
let anna: string;
let ben: string;
let benToken: string;
let conversationId: string;

beforeAll(async () => {
  server = await startInProcess();
  [anna, ben] = [newId(), newId()];
  benToken = await server.token(ben, { deviceId: newId() });
  const socket = await FrameSocket.open({ url: server.url, token: benToken });
  await socket.join(`user:${ben}`, "1");
  socket.close();
  conversationId = await conversationWith(ben);
  await Promise.all(Array.from({ length: count }, () => write(conversationId)));
}, 120_000);

afterAll(() => server[Symbol.asyncDispose](), 120_000);

async function call(token: string, method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
  const text = await response.text();
  return { bytes: Buffer.byteLength(text), ...(JSON.parse(text) as Answer) };
}

interface Answer {
  readonly data: never;
  readonly meta: { readonly has_more: boolean; readonly next_since: number; readonly count: number };
}

async function conversationWith(otherId: string): Promise<string> {
  const made = await call(await server.token(anna), "POST", "/conversations", {
    type: "direct",
    other_user_id: otherId,
  });
  return (made.data as { id: string }).id;
}

async function write(id: string, text = content): Promise<void> {
  await call(await server.token(anna), "POST", `/conversations/${id}/messages`, { content: text });
}

test("the pages of the history and of the changes are at most a megabyte, and all of them are everything", async () => {
  const seqs = { history: [] as number[], changes: [] as number[] };
  for (let before = "", hasMore = true; hasMore; before = `&before=${seqs.history.at(-1)}`) {
    const page = await call(benToken, "GET", `/conversations/${conversationId}/messages?limit=100${before}`);
    expect(page.bytes).toBeLessThanOrEqual(pageBytes);
    seqs.history.push(...(page.data as { seq: number }[]).map(({ seq }) => seq));
    hasMore = page.meta.has_more;
  }
  for (let since = 0, hasMore = true; hasMore; ) {
    const page = await call(
      benToken,
      "GET",
      `/conversations/${conversationId}/changes?since=${since}&limit=500`,
    );
    expect(page.bytes).toBeLessThanOrEqual(pageBytes);
    seqs.changes.push(...(page.data as { messages: { seq: number }[] }).messages.map(({ seq }) => seq));
    ({ next_since: since, has_more: hasMore } = page.meta);
  }
  const all = Array.from({ length: count }, (_, index) => index + 1);
  expect(seqs.changes).toEqual(all);
  expect(seqs.history.reverse()).toEqual(all);
});

test("a list is at most a megabyte and holds every conversation, however large what was written last is", async () => {
  const reader = newId();
  for (let index = 0; index < 12; index++) {
    const id = await conversationWithAnother(reader);
    await write(id, index % 2 ? content : "short");
  }
  const list = await call(await server.token(reader), "GET", "/conversations");
  expect(list.bytes).toBeLessThanOrEqual(pageBytes);
  expect(list.meta).toMatchObject({ count: 12, has_more: false });
  const last = (list.data as { last_message: { content: string; is_partial?: true } }[]).map(
    (each) => each.last_message,
  );
  expect(last.filter((message) => message.content === "short")).toHaveLength(6);
  expect(last.filter((message) => message.content === content)).toHaveLength(2);
  expect(last.filter((message) => message.is_partial && message.content === "")).toHaveLength(4);
});

/** A group of the two, because they have one direct conversation only. */
async function conversationWithAnother(otherId: string): Promise<string> {
  const made = await call(await server.token(anna), "POST", "/conversations", {
    type: "group",
    name: "many",
    user_ids: [otherId],
  });
  return (made.data as { id: string }).id;
}

test("a join sends no difference that is larger than its socket should take in one piece", async () => {
  const socket = await FrameSocket.open({ url: server.url, token: benToken });
  const joined = await socket.join(
    `conversation:${conversationId}`,
    "1",
    `{"since_seq":${count - 2},"since_rev":${count - 2}}`,
  );
  expect(joined).toMatchObject({ status: "ok", response: { resumed: false, head_seq: count } });
  socket.close();
});

test("the pages of a backfill are small however much the characters take as JSON, and bring everything", async () => {
  const socket = await FrameSocket.open({ url: server.url, token: benToken });
  const pages: number[][] = [];
  let caughtUp = false;
  socket.onFrame = ({ event, payload }) => {
    if (event === "caught_up") caughtUp = true;
    if (event !== "pending_messages") return;
    pages.push((payload as { messages: { seq: number }[] }).messages.map(({ seq }) => seq));
  };
  await socket.join(`user:${ben}`, "1");
  await eventually("the end of the backfill", () => caughtUp);
  expect(pages.flat()).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  expect(Math.max(...pages.map((page) => page.length))).toBe(1);
  socket.close();
});
