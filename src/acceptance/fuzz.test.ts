import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type pg from "pg";
import { type RefusalCode, refusals } from "../core/rejection.ts";
import { decode, Frame, type Malformed } from "../phoenix/codec.ts";
import { FrameReader, Seen, Unread } from "../phoenix/frame-reader.ts";
import { phoenixDefaults } from "../phoenix/settings.ts";
import { newId } from "../system.ts";
import { type Dictionary, Mutations } from "../testing/builders/mutations.ts";
import { Random } from "../testing/builders/random.ts";
import { FrameSocket, type HeardFrame } from "../testing/clients/frame-socket.ts";
import { type Recorded, recordStockClient } from "../testing/clients/recording.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { frameLimitOf } from "../web/realtime/frame-limits.ts";

/**
 * I11 over real sockets and HTTP: what a stock client wrote, changed in more than 100,000 ways. A failure is repeated with the seed
 * that is printed.
 */

const senderFrames = 72_000;
const moverFrames = 20_000;
const requests = 12_000;
const framesAtOnce = 200;
const requestsAtOnce = 24;

/** What causes each refusal. A code that is added must say so here; those of faults are seen in the tests of the faults. */
const causeOf: Record<RefusalCode, "input" | "fault" | "later"> = {
  invalid_payload: "input",
  invalid_status: "later",
  unauthorized: "input",
  not_found: "input",
  not_authorized: "input",
  unknown_event: "input",
  payload_too_large: "input",
  method_not_allowed: "input",
  overloaded: "input",
  unavailable: "fault",
  timeout: "fault",
  outcome_unknown: "fault",
  internal: "fault",
  forbidden: "later",
  conflict: "input",
  cursor_expired: "later",
  rate_limited: "later",
};
/** The protocol's own, which are no refusals of an operation. */
const protocolReasons = ["unmatched topic", "malformed_frame", "too_many_topics"];

/** What was sent and what came of it, over all tests of this file. */
class Tally {
  mutated = 0;
  decoded = 0;
  /** Sends that no answer can belong to: without a ref, or on a socket that joins and leaves all the time. */
  unanswerable = 0;
  /** The ids that an `ok` or a 2xx named. */
  readonly acknowledged = new Set<string>();
  readonly created = new Set<string>();
  readonly reasons = new Map<string, number>();
  /** What a member who does nothing is told, on the topic of the user. */
  readonly told = new Set<string>();
  readonly toldTwice: string[] = [];

  refused(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  answered({ event, payload }: HeardFrame): void {
    if (event !== "phx_reply") return;
    const { status, response } = payload as { status: string; response: Answered };
    if (status === "error") this.refused(response.reason ?? "none");
    else if (response.message) this.acknowledged.add(response.message.id);
  }

  heard({ event, payload }: HeardFrame): void {
    if (event !== "new_message") return;
    const { id } = (payload as { message: { id: string } }).message;
    if (this.told.has(id)) this.toldTwice.push(id);
    this.told.add(id);
  }
}

interface Answered {
  readonly reason?: string;
  readonly message?: { readonly id: string };
}

let server: InProcess;
let alice: string;
let token: string;
let conversationId: string;
let recorded: Recorded;
let bystander: FrameSocket;
const tally = new Tally();

beforeAll(async () => {
  server = await startInProcess();
  const bob = newId();
  alice = newId();
  token = await server.token(alice);
  conversationId = await new RestClient({ url: server.url, token }).createDirect(bob);
  bystander = await FrameSocket.open({ url: server.url, token: await server.token(bob) });
  bystander.onFrame = (frame) => tally.heard(frame);
  await bystander.join(`user:${bob}`, "1");
  recorded = await recordStockClient({ url: server.url, token, userId: alice, conversationId });
  for (const id of tally.told) tally.acknowledged.add(id);
}, 120_000);

afterAll(() => server[Symbol.asyncDispose](), 120_000);

describe("I11: no input crashes anything", () => {
  test("every frame that can be read gets exactly one answer, and its socket goes on", async () => {
    const mutations = mutationsOf("frames on joined topics");
    const sockets = await Promise.all([1, 2, 3].map(() => Asker.open()));
    const frames = recorded.frames.filter((frame) => !changesMembership(decode(frame)));
    for (let sent = 0; sent < senderFrames; sent += sockets.length * framesAtOnce) {
      for (const socket of sockets) socket.sendMany(mutations, frames);
      await Promise.all(sockets.map((socket) => socket.allAnswered()));
    }
    for (const { socket } of sockets) await joinsAndSends(socket);
  }, 300_000);

  test("joins, leaves and re-joins of any form leave a socket that can join and send", async () => {
    const mutations = mutationsOf("frames that join and leave");
    const sockets = await Promise.all([1, 2].map(() => openSocket()));
    for (let sent = 0; sent < moverFrames; sent += sockets.length * framesAtOnce) {
      for (const socket of sockets) sendMoving(socket, mutations);
      for (const socket of sockets) expect((await socket.heartbeat()).status).toBe("ok");
    }
    for (const socket of sockets) await joinsAndSends(socket);
  }, 300_000);

  test("every request is answered in the envelope, with a status of the closed table and never 5xx", async () => {
    const random = Random.announced("requests");
    const mutations = new Mutations({ random, dictionary: dictionary() });
    let left = requests;
    const caller = async () => {
      while (left-- > 0) await call(random, mutations);
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, caller));
  }, 300_000);

  test("a token that is none, and a body beyond the bound, are refused by their names", async () => {
    const bearer = (text: string) => ({ authorization: text });
    const odd = [
      "",
      "Bearer",
      "Bearer x",
      "Bearer a.b.c",
      `Bearer ${token}x`,
      `Basic ${token}`,
      "Bearer \u00ff",
    ];
    for (const text of odd) await expectRefusal("unauthorized", "GET", "/conversations", bearer(text));
    const large = JSON.stringify({ conversation_id: conversationId, content: "x".repeat(600_000) });
    await expectRefusal("payload_too_large", "POST", "/messages", bearer(`Bearer ${token}`), large);
    await expectRefusal(
      "payload_too_large",
      "POST",
      "/messages",
      bearer(`Bearer ${token}`),
      piecewise(large),
    );
  });

  test("I10: what one socket may keep waiting has an end, and it is named", async () => {
    const socket = await openSocket();
    const asked = 2_100;
    let answered = 0;
    socket.onFrame = (frame) => {
      if (frame.event !== "phx_reply") return;
      answered++;
      tally.answered(frame);
    };
    await whileNoJoinIsAnswered(async () => {
      for (let n = 0; n < asked; n++) socket.send(`["j","j","conversation:${newId()}","phx_join",{}]`);
      await eventually("an answer to every join beyond the bound", () => answered === 100);
      expect(tally.reasons.get("too_many_topics")).toBe(100);
    });
    await eventually("an answer to every join", () => answered === asked);
    await whileNoJoinIsAnswered(async () => {
      const topic = `conversation:${conversationId}`;
      socket.send(`["w","w","${topic}","phx_join",{}]`);
      for (let n = 0; n < 100; n++) socket.send(`["w","w${n}","${topic}","typing",{}]`);
      await eventually("what waits for a join to be refused", () => tally.reasons.has("overloaded"));
    });
    await eventually("an answer to that join and all behind it", () => answered === asked + 101);
    await joinsAndSends(socket);
  });

  test("more than 100,000 mutations were sent, and 30 % and more passed the codec", () => {
    console.log(
      `fuzz: ${tally.mutated} mutations, ${tally.decoded} decoded`,
      Object.fromEntries(tally.reasons),
    );
    expect(tally.mutated).toBeGreaterThanOrEqual(100_000);
    expect(tally.decoded / tally.mutated).toBeGreaterThanOrEqual(0.3);
  });

  test("every refusal that input alone can cause was seen, and none that takes a fault", () => {
    const byInput = Object.entries(causeOf).flatMap(([code, cause]) => (cause === "input" ? [code] : []));
    expect([...tally.reasons.keys()].sort()).toEqual([...byInput, ...protocolReasons].sort());
    expect(server.complaints).toEqual([]);
  });

  test("the database holds what was acknowledged and nothing else", async () => {
    const rows = await storedMessages();
    await eventually("the bystander to hear the rest", () => tally.told.size >= rows.length);
    const stored = new Set(rows.map(({ id }) => id));
    expect(tally.toldTwice).toEqual([]);
    expect(tally.told).toEqual(stored);
    expect([...tally.acknowledged].filter((id) => !stored.has(id))).toEqual([]);
    expect(stored.size - tally.acknowledged.size).toBeLessThanOrEqual(tally.unanswerable);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
    expect(await storedConversations()).toBe(1 + tally.created.size);
    bystander.close();
  });
});

/** A socket on which every frame's answers are counted by the frame's ref. */
class Asker {
  readonly socket: FrameSocket;
  /** Answers awaited for each ref; below 0: answers that nobody asked for. */
  readonly #open = new Map<string | number, number>();

  private constructor(socket: FrameSocket) {
    this.socket = socket;
    socket.onFrame = (frame) => {
      tally.answered(frame);
      if (frame.event === "phx_reply" && frame.ref !== null) this.#count(frame.ref, -1);
    };
  }

  static async open(): Promise<Asker> {
    const asker = new Asker(await openSocket());
    const joins = recorded.frames.filter((frame) => frame.includes('"phx_join"'));
    for (const frame of joins) {
      asker.#count((decode(frame) as Frame).ref!, 1);
      asker.socket.send(frame);
    }
    await asker.allAnswered();
    return asker;
  }

  sendMany(mutations: Mutations, frames: readonly string[]): void {
    for (let sent = 0; sent < framesAtOnce; ) {
      const wire = mutatedFrame(mutations, frames);
      const read = readByServer(wire);
      if (changesMembership(read)) continue;
      const { ref } = read instanceof Unread ? read.address : read;
      if (ref !== null) this.#count(ref, 1);
      else if (isSend(read)) tally.unanswerable++;
      send(this.socket, wire);
      sent++;
    }
  }

  async allAnswered(): Promise<void> {
    await this.socket.heartbeat();
    await eventually("an answer to every frame", () => this.#open.size === 0).catch((error) => {
      throw new Error(`${error.message}; open: ${JSON.stringify([...this.#open].slice(0, 10))}`);
    });
    expect(this.socket.isOpen).toBe(true);
  }

  #count(ref: string | number, by: 1 | -1): void {
    const open = (this.#open.get(ref) ?? 0) + by;
    if (open === 0) this.#open.delete(ref);
    else this.#open.set(ref, open);
  }
}

/** Joins read who is a member; meanwhile nobody can. */
async function whileNoJoinIsAnswered(task: () => Promise<void>): Promise<void> {
  const client = await outsideClient(server.databaseUrl);
  try {
    await client.query("begin");
    await client.query("lock table conversation_members in access exclusive mode");
    await task();
  } finally {
    await client.end();
  }
}

async function openSocket(): Promise<FrameSocket> {
  const socket = await FrameSocket.open({ url: server.url, token });
  socket.onFrame = (frame) => tally.answered(frame);
  return socket;
}

async function joinsAndSends(socket: FrameSocket): Promise<void> {
  const topic = `conversation:${conversationId}`;
  expect(await socket.join(topic, "again")).toMatchObject({ status: "ok" });
  const { status, response } = await socket.push(topic, "again", "new_message", `{"content":"still here"}`);
  expect(status).toBe("ok");
  tally.acknowledged.add((response.message as { id: string }).id);
  socket.close();
}

function sendMoving(socket: FrameSocket, mutations: Mutations): void {
  for (let sent = 0; sent < framesAtOnce; sent++) {
    const wire = mutatedFrame(mutations, recorded.frames);
    if (isSend(decode(wire))) tally.unanswerable++;
    send(socket, wire);
  }
}

function send(socket: FrameSocket, wire: string | Uint8Array): void {
  tally.mutated++;
  if (decode(wire) instanceof Frame) tally.decoded++;
  socket.send(wire);
}

/** Well-formed: a text frame is UTF-8, and what a cut left of a surrogate pair has none. */
function mutatedFrame(mutations: Mutations, frames: readonly string[]): string | Uint8Array {
  const random = mutations.random;
  if (random.chance(0.15)) return mutations.bytes(random.pick(recorded.binary));
  return mutations.frame(random.pick(frames)).toWellFormed();
}

/** As the server reads: what is too large for its event is answered by its head. */
const reader = new FrameReader({
  maxFrameBytes: phoenixDefaults.maxFrameBytes,
  limitOf: frameLimitOf({ phoenix: phoenixDefaults, payloads: { maxMetadataBytes: 16_384 } }),
});

function readByServer(wire: string | Uint8Array): Frame | Malformed | Unread {
  const seen = reader.isSmall(wire) ? null : reader.look(wire);
  return seen === null || seen instanceof Seen ? decode(wire) : seen;
}

function changesMembership(read: ReturnType<typeof readByServer>): boolean {
  return read instanceof Frame && (read.event === "phx_join" || read.event === "phx_leave");
}

function isSend(read: ReturnType<typeof readByServer>): boolean {
  return read instanceof Frame && (read.event === "new_message" || read.event === "send_message");
}

async function call(random: Random, mutations: Mutations): Promise<void> {
  const { method, path, body } = mutatedRequest(random, mutations);
  const response = await fetch(`${server.url}${random.pick(["", "/messaging"])}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  tally.mutated++;
  if (body === undefined ? response.ok : isJson(body)) tally.decoded++;
  noteResponse(`${method} ${path} ${body?.slice(0, 500)}`, response.status, text);
}

function noteResponse(what: string, status: number, text: string): void {
  const body = JSON.parse(text);
  if (status < 300) {
    if (Array.isArray(body.data)) return;
    if (body.data.content !== undefined) tally.acknowledged.add(body.data.id);
    else if (status === 201 && body.data.type !== undefined) tally.created.add(body.data.id);
    return;
  }
  const known = refusals[body.error as RefusalCode];
  if (!known || known.http !== status || status >= 500) throw new Error(`${what}: ${status} ${text}`);
  tally.refused(body.error);
}

function mutatedRequest(random: Random, mutations: Mutations) {
  const request = { ...random.pick(validRequests()) };
  const choice = random.below(10);
  if (choice === 0) request.method = random.pick(["GET", "PUT", "PATCH", "DELETE", "POST"]);
  if (choice <= 2) request.path = request.path.replace(anId, () => pathWord(random, mutations));
  if (choice === 3) request.path += `${request.path.includes("?") ? "&" : "?"}limit=${queryWord(mutations)}`;
  if (request.path.includes("?") && choice > 3) {
    request.path = request.path.replace(/=[^&]*/, () => `=${queryWord(mutations)}`);
  }
  if (request.body !== undefined && choice > 1) request.body = mutations.body(request.body).toWellFormed();
  if (request.method === "GET") delete request.body;
  return request;
}

function validRequests(): { method: string; path: string; body?: string }[] {
  const message = { content: "over REST", client_random: 8, metadata: { a: [1] }, message_type: "text" };
  const into = `/conversations/${conversationId}`;
  const ofMessage = `/messages/${recorded.messageId}`;
  const attachment = { media_id: "m", media_type: "file", metadata: { size: 1 } };
  const inBody = JSON.stringify({ ...message, conversation_id: conversationId });
  const create = (more: object) => JSON.stringify({ type: "direct", ...more });
  return [
    { method: "POST", path: `${into}/messages`, body: JSON.stringify(message) },
    { method: "POST", path: "/messages", body: inBody },
    { method: "POST", path: "/conversations", body: create({ other_user_id: newId() }) },
    { method: "POST", path: "/conversations", body: create({ user_ids: [alice, newId()] }) },
    { method: "POST", path: `${ofMessage}/reactions`, body: JSON.stringify({ reaction: "👍" }) },
    { method: "DELETE", path: `${ofMessage}/reactions/%F0%9F%91%8D` },
    { method: "GET", path: `${ofMessage}/reactions` },
    { method: "POST", path: `${ofMessage}/attachments`, body: JSON.stringify(attachment) },
    { method: "GET", path: "/conversations?limit=10&offset=1" },
    { method: "GET", path: into },
    { method: "GET", path: `${into}/messages?before=10&limit=2` },
    { method: "GET", path: `${into}/messages?after=2026-01-01T00:00:00.000001Z&limit=3` },
  ];
}

const anId = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|%F0%9F%91%8D/;

function pathWord(random: Random, mutations: Mutations): string {
  if (random.chance(0.2)) return random.pick(["%", "%ff", "%00", "%2e%2e", "%2f", "..", "%ed%a0%80", "a/b"]);
  return encodeURIComponent(mutations.word().toWellFormed());
}

function queryWord(mutations: Mutations): string {
  return encodeURIComponent(mutations.word().toWellFormed());
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function expectRefusal(
  code: RefusalCode,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string | ReadableStream,
): Promise<void> {
  const init = body === undefined ? { method, headers } : { method, headers, body };
  const response = await fetch(`${server.url}/api/v1${path}`, init);
  expect(await response.json()).toMatchObject({ error: code });
  expect(response.status).toBe(refusals[code].http);
  tally.refused(code);
}

/** A body that does not say how long it is. */
function piecewise(text: string): ReadableStream {
  return new Blob([text]).stream();
}

function mutationsOf(what: string): Mutations {
  return new Mutations({ random: Random.announced(what), dictionary: dictionary() });
}

function dictionary(): Dictionary {
  const strange = newId();
  const topics = [alice, strange].flatMap((id) => [`user:${id}`, `conversation:${id}`, `USER:${id}`]);
  const known = `conversation:${conversationId}`;
  const controls = "phx_join phx_leave phx_close phx_error phx_reply heartbeat presence_state".split(" ");
  return {
    topics: [...topics, known, known.toUpperCase(), `${known} `, "phoenix", "conversation:", ":", "lobby"],
    events: [
      ...controls,
      "new_message",
      "send_message",
      "add_reaction",
      "typing",
      "__proto__",
      "toString",
      "NEW_MESSAGE",
    ],
    fields:
      "content message_type client_random metadata conversation_id sender_id user_id reply_to_id message_id reaction attachments media_type signature sender_public_key media_id ttl_seconds type other_user_id user_ids name __proto__ constructor toString length".split(
        " ",
      ),
    ids: [
      recorded.messageId,
      alice,
      strange,
      conversationId,
      conversationId.toUpperCase(),
      `${strange}0`,
      "text",
      "direct",
    ],
  };
}

async function storedMessages(): Promise<{ id: string; seq: number }[]> {
  return ask("select id, seq::int from messages order by seq");
}

async function storedConversations(): Promise<number> {
  const [row] = await ask<{ count: number }>("select count(*)::int as count from conversations");
  return row!.count;
}

async function ask<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
  const client = await outsideClient(server.databaseUrl);
  const { rows } = await client.query<Row>(text);
  await client.end();
  return rows;
}
