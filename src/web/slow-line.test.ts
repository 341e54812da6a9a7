import { afterEach, beforeEach, expect, test } from "bun:test";
import { phoenixDefaults } from "../phoenix/settings.ts";
import { VirtualClock } from "../testing/clock.ts";
import { defaultLimits } from "../testing/costs/default-limits.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";
import type { Wire } from "../testing/web/wire.ts";

/**
 * That nobody who keeps to the limits closes the socket of somebody with a slow line. The frames are those of the real endpoint, the time is
 * virtual: a kernel with large buffers cannot hide what would wait for the line.
 */

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";

/** 10 Mbit/s. */
const lineBytesPerMs = 1_250;
const minuteMs = 60_000;
/** What is allowed meanwhile goes at once then, which is harder on the line. */
const leastWaitMs = 500;

let clock: VirtualClock;
let web: Fixture;
let conversationId: string;
let hers: Wire;
let his: Reader;
let edited: readonly string[];
beforeEach(async () => {
  clock = new VirtualClock();
  const phoenix = { ...phoenixDefaults, heartbeatsPerMin: 0 };
  web = new Fixture({ clock, limits: defaultLimits(), settings: { phoenix } });
  conversationId = await web.conversationOf(anna, ben);
  edited = await Promise.all(["one", "two"].map((content) => web.sent(anna, conversationId, content)));
  hers = await web.socketOf(anna);
  await hers.join(`conversation:${conversationId}`);
  his = await Reader.open([`conversation:${conversationId}`, `user:${ben}`]);
});
afterEach(() => web.stop());

/** A socket of Ben's that knows what would wait for it, behind a line of 10 Mbit/s. */
class Reader {
  #arrived = 0;
  #waiting = 0;
  #lastMs = 0;
  #ref = 0;
  readonly #replies = new Map<string, () => void>();
  most = 0;
  total = 0;
  isClosed = false;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#arrived += Buffer.byteLength(data);
      if (!data.includes(`"phx_reply"`)) return;
      const [, ref] = JSON.parse(data);
      this.#replies.get(ref)?.();
    };
    socket.onclose = () => {
      this.isClosed = true;
    };
  }

  static async open(topics: readonly string[]): Promise<Reader> {
    const token = tokenOf({ userId: ben, deviceId: "phone" });
    const address = `${web.url.replace("http", "ws")}/socket/websocket?vsn=2.0.0&token=${token}`;
    const socket = new WebSocket(address);
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const reader = new Reader(socket);
    for (const topic of topics) await reader.#ask(topic, "phx_join");
    return reader;
  }

  /** Everything that was sent so far has come when it resolves. */
  async settle(): Promise<void> {
    await this.#ask("phoenix", "heartbeat");
    const nowMs = clock.monotonicMs();
    this.#waiting = Math.max(0, this.#waiting - (nowMs - this.#lastMs) * lineBytesPerMs) + this.#arrived;
    this.#lastMs = nowMs;
    this.most = Math.max(this.most, this.#waiting);
    this.total += this.#arrived;
    this.#arrived = 0;
  }

  #ask(topic: string, event: string): Promise<void> {
    const ref = String(++this.#ref);
    const replied = new Promise<void>((resolve) => this.#replies.set(ref, resolve));
    this.#socket.send(JSON.stringify([topic === "phoenix" ? null : ref, ref, topic, event, {}]));
    return replied;
  }
}

/** Whether it did something, and when it may be tried again where that was said. */
interface Outcome {
  readonly isDone: boolean;
  readonly retryAfterMs: number | null;
}

type Attempt = (count: number) => Promise<Outcome>;

function over(method: string, path: (count: number) => string, body: (count: number) => object): Attempt {
  return async (count) => {
    const answer = await web.fetch(method, `/api/v1${path(count)}`, { as: anna, body: body(count) });
    return outcomeOf(answer.ok, (await answer.json()) as Refused);
  };
}

function pushing(event: string, body: (count: number) => object): Attempt {
  return async (count) => {
    const topic = `conversation:${conversationId}`;
    const { status, response } = await hers.push(topic, event, JSON.stringify(body(count)));
    return outcomeOf(status === "ok", response as Refused);
  };
}

interface Refused {
  readonly retry_after_ms?: number;
}

function outcomeOf(
  isDone: boolean,
  { retry_after_ms: retryAfterMs = null }: { retry_after_ms?: number | null },
): Outcome {
  return { isDone, retryAfterMs };
}

/** One after the other as fast as they are allowed, for a minute; once all are refused, they are tried again when they were told. */
async function flood(attempts: readonly Attempt[]): Promise<number> {
  const untilMs = clock.monotonicMs() + minuteMs;
  let done = 0;
  for (let count = 0; clock.monotonicMs() < untilMs; count++) {
    const outcomes = await Promise.all(attempts.map((attempt) => attempt(count)));
    done += outcomes.filter(({ isDone }) => isDone).length;
    if (outcomes.some(({ isDone }) => isDone)) continue;
    await his.settle();
    const waitMs = Math.min(...outcomes.map(({ retryAfterMs }) => retryAfterMs ?? leastWaitMs));
    await clock.runFor(Math.max(leastWaitMs, waitMs));
  }
  await his.settle();
  return done;
}

const large = (count: number) => `${count} ${"x".repeat(65_000)}`;
/** Six bytes each as JSON. */
const control = (count: number) => `${count} ${"\u0001".repeat(65_000)}`;
const json = (count: number) => JSON.stringify({ count, parts: Array(5_000).fill("part") }).slice(0, 60_000);

const floods: Readonly<Record<string, () => readonly Attempt[]>> = {
  "small messages": () => [
    over(
      "POST",
      () => `/conversations/${conversationId}/messages`,
      () => ({ content: "hello" }),
    ),
  ],
  "messages of 65 kB at both doors": () => [
    over(
      "POST",
      () => "/messages",
      (count) => ({ conversation_id: conversationId, content: large(count) }),
    ),
    pushing("new_message", (count) => ({ content: large(count) })),
  ],
  "messages of control characters": () => [
    over(
      "POST",
      () => "/messages",
      (count) => ({ conversation_id: conversationId, content: control(count) }),
    ),
  ],
  "edits of 65 kB at both doors": () => [
    over(
      "PUT",
      () => `/messages/${edited[0]}?conversation_id=${conversationId}`,
      (count) => ({ content: large(count) }),
    ),
    pushing("edit_message", (count) => ({ message_id: edited[1], content: json(count) })),
  ],
  "edits of 20 kB of control characters": () => [
    over(
      "PUT",
      () => `/messages/${edited[0]}?conversation_id=${conversationId}`,
      (count) => ({ content: control(count).slice(0, 20_000) }),
    ),
  ],
  "settings with 16 kB of metadata at both doors": () => [
    over(
      "PUT",
      () => `/conversations/${conversationId}`,
      (count) => ({ metadata: { a: large(count).slice(0, 15_000) } }),
    ),
    pushing("update_conversation", (count) => ({ metadata: { a: large(count).slice(0, 15_001) } })),
  ],
  "media on a message of 65 kB": () => [
    over(
      "PUT",
      () => `/messages/${edited[0]}?conversation_id=${conversationId}`,
      (count) => ({ content: large(count) }),
    ),
    over(
      "POST",
      () => `/messages/${edited[0]}/attachments`,
      (count) => ({ media_id: `${count}`, media_type: "image", metadata: { a: "x".repeat(4_000) } }),
    ),
  ],
  "reactions on a message of 65 kB": () => [
    over(
      "PUT",
      () => `/messages/${edited[0]}?conversation_id=${conversationId}`,
      (count) => ({ content: large(count) }),
    ),
    over(
      "POST",
      () => `/messages/${edited[0]}/reactions`,
      (count) => ({ reaction: count % 2 ? "👍" : "👎" }),
    ),
  ],
};

for (const [what, attempts] of Object.entries(floods))
  test(`I10: ${what}, as fast as the limits allow, never wait beyond the send buffer of a socket on a line of 10 Mbit/s`, async () => {
    expect(await flood(attempts())).toBeGreaterThan(40);
    expect(his.isClosed).toBe(false);
    expect(his.most).toBeLessThanOrEqual(phoenixDefaults.sendBufferBytes);
    // 60 % of the line, and the burst.
    expect(his.total).toBeLessThanOrEqual(46_000_000);
  });

test("an edit that is too much for a socket by itself is refused for good, and says by how much", async () => {
  const edit = await web.fetch("PUT", `/api/v1/messages/${edited[0]}?conversation_id=${conversationId}`, {
    as: anna,
    body: { content: control(0) },
  });
  expect(edit.status).toBe(413);
  expect(await edit.json()).toEqual({
    error: "payload_too_large",
    message:
      "Too many bytes that one user causes on each socket that listens: 1.56 MB, 839 kB are allowed. Nothing was changed; make it shorter.",
  });
});
