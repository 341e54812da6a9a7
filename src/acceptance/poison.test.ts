import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { FrameSocket, type Reply } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { paced } from "../testing/pace.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/** I9, I10: input that has brought down stores and servers, over the whole of this one. */

/** A bystander sends one message at a time, so a gap is one acknowledgement that took as long. */
const longestGapMs = 1_500;

interface Sent {
  readonly id: string;
  readonly seq: number;
  readonly content: string;
  readonly metadata: unknown;
}

let server: InProcess;
let alice: string;
let bob: string;
let token: string;
let rest: RestClient;
let conversationId: string;
let topic: string;
let bystander: Bystander;

beforeAll(async () => {
  server = await startInProcess();
  [alice, bob] = [newId(), newId()];
  token = await server.token(alice);
  rest = new RestClient({ url: server.url, token });
  conversationId = await rest.createDirect(bob);
  topic = `conversation:${conversationId}`;
  bystander = await Bystander.start();
}, 120_000);

afterAll(() => server[Symbol.asyncDispose](), 120_000);

describe("I9: what can be stored comes back equal", () => {
  const kept: Readonly<Record<string, string>> = {
    "U+0000 in content": `"content":"a\\u0000b\\u0000"`,
    "a __proto__ key in metadata": `"content":"x","metadata":{"__proto__":{"polluted":true},"a":{"__proto__":1}}`,
    "U+0000 in metadata, as key and value": `"content":"x","metadata":{"k\\u0000":"v\\u0000"}`,
    "names that objects have already": `"content":"x","metadata":{"constructor":1,"toString":null,"then":{},"toJSON":"x"}`,
    "the largest numbers and the smallest": `"content":"x","metadata":{"n":[1.7976931348623157e308,5e-324,-0.5]}`,
    "emoji, directions and non-characters": `"content":"👩‍👩‍👧‍👦\\u202e\\uffff\\ufeff\\u2028","metadata":{"\\u202e":"\\ufeff"}`,
    "spaces around it": `"content":"  \\n x \\t "`,
    "32 levels": `"content":"x","metadata":${nested(32)}`,
  };

  for (const [what, fields] of Object.entries(kept)) {
    test(`${what}, over the channel and over REST: in the reply, the push and the history`, async () => {
      const written = JSON.parse(`{${fields}}`) as Sent;
      await using pair = await Pair.open();
      const { status, response } = await pair.send(`{${fields}}`);
      expect(status).toBe("ok");
      const posted = await post(`{${fields}}`);
      expect(posted.status).toBe(201);
      const sent = [response.message as Sent, posted.body.data as Sent];
      await eventually("both pushes", () => pair.heard.length === 2);
      const log = (await rest.history(conversationId)) as unknown as Sent[];
      for (const seen of [...sent, ...pair.heard, ...log.slice(-2)]) {
        expect(seen.content).toBe(written.content);
        expect(JSON.stringify(seen.metadata)).toBe(JSON.stringify(written.metadata ?? {}));
      }
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });
  }
});

describe("I11: what cannot be stored is refused as invalid_payload and changes nothing", () => {
  const refused: Readonly<Record<string, string>> = {
    "half a surrogate pair in content": `"content":"a\\ud800b"`,
    "half a surrogate pair in metadata": `"content":"x","metadata":{"a":["\\ud800"]}`,
    "half a surrogate pair as a key": `"content":"x","metadata":{"\\udfff":1}`,
    "1e400": `"content":"x","metadata":{"n":1e400}`,
    "1e140000": `"content":"x","metadata":{"n":[-1e140000]}`,
    "8,000 levels": `"content":"x","metadata":${nested(8_000)}`,
    "33 levels": `"content":"x","metadata":${nested(33)}`,
    "client_random 2^32": `"content":"x","client_random":4294967296`,
    "client_random 2^32 as text": `"content":"x","client_random":"4294967296"`,
    "client_random 3.5": `"content":"x","client_random":3.5`,
    "client_random -1": `"content":"x","client_random":-1`,
    "client_random 1e400": `"content":"x","client_random":1e400`,
    "content that is an object": `"content":{"__proto__":"x"}`,
    "content beyond its bound": `"content":"${"é".repeat(32_769)}"`,
    "a payload that is __proto__": `"__proto__":{"content":"x"}`,
  };

  for (const [what, fields] of Object.entries(refused)) {
    test(`${what}, over the channel and over REST`, async () => {
      const before = (await rest.history(conversationId)).length;
      await using pair = await Pair.open();
      const { status, response } = await pair.send(`{${fields}}`);
      expect({ status, reason: response.reason }).toEqual({ status: "error", reason: "invalid_payload" });
      const posted = await post(`{${fields}}`);
      expect(posted).toMatchObject({ status: 422, body: { error: "invalid_payload" } });
      expect((await pair.send(`{"content":"the socket goes on"}`)).status).toBe("ok");
      await eventually("the push of the valid one", () => pair.heard.length > 0);
      expect(pair.heard).toHaveLength(1);
      expect(await rest.history(conversationId)).toHaveLength(before + 1);
    });
  }

  test("many of them between good ones of the same batch cost the good ones nothing", async () => {
    await using pair = await Pair.open();
    const bodies = Object.values(refused).flatMap((fields, n) => [`{${fields}}`, `{"content":"good ${n}"}`]);
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => bodies)
        .flat()
        .map((body) => pair.send(body)),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map((_, n) => (n % 2 ? "ok" : "error")));
  });
});

describe("I3: a key that was used 5,000 messages ago", () => {
  const key = 4_000_000_000;
  let first: Sent;

  beforeAll(async () => {
    await using pair = await Pair.open();
    const { response } = await pair.send(`{"content":"the first","metadata":{"a":1},"client_random":${key}}`);
    first = response.message as Sent;
    for (let sent = 0; sent < 5_000; sent += 500) await sendMany(pair, sent);
  }, 120_000);

  test("sent again 100 times gives 100 times the first message, and nobody is told of it", async () => {
    await using pair = await Pair.open();
    const again = `{"content":"the first","metadata":{"a":1},"client_random":${key}}`;
    const replies = await Promise.all(Array.from({ length: 100 }, () => pair.send(again)));
    for (const { status, response } of replies) {
      expect(status).toBe("ok");
      expect(response).toMatchObject({ message: first, duplicate: true, differs: false });
    }
    await pair.send(`{"content":"afterwards"}`);
    await eventually("the push that came after", () => pair.heard.length > 0);
    expect(pair.heard.map(({ content }) => content)).toEqual(["afterwards"]);
  });

  test("with another body says that it differs, over the channel and over REST", async () => {
    await using pair = await Pair.open();
    for (const fields of [
      `"content":"another","metadata":{"a":1}`,
      `"content":"the first","metadata":{"a":2}`,
    ]) {
      const body = `{${fields},"client_random":"${key}"}`;
      expect((await pair.send(body)).response).toMatchObject({
        message: first,
        duplicate: true,
        differs: true,
      });
      const posted = await post(body);
      expect(posted).toMatchObject({
        status: 200,
        body: { data: first, meta: { duplicate: true, differs: true } },
      });
    }
    const posted = await post(`{"content":"the first","metadata":{"a":1},"client_random":${key}}`);
    expect(posted.body.meta).toEqual({ duplicate: true, differs: false });
  });

  test("is still free for the other member, and for this one elsewhere", async () => {
    const bobRest = new RestClient({ url: server.url, token: await server.token(bob) });
    const body = { content: "mine", client_random: key };
    expect((await bobRest.call("POST", `/conversations/${conversationId}/messages`, body)).status).toBe(201);
    const elsewhere = await rest.createDirect(newId());
    expect((await rest.call("POST", `/conversations/${elsewhere}/messages`, body)).status).toBe(201);
  });

  async function sendMany(pair: Pair, from: number): Promise<void> {
    const sending = Array.from({ length: 500 }, (_, n) =>
      pair.send(`{"content":"filler ${from + n}","client_random":${from + n}}`),
    );
    expect((await Promise.all(sending)).every(({ status }) => status === "ok")).toBe(true);
  }
});

describe("S2: what one client joins with costs no other join anything", () => {
  const huge = "999999999999999";
  const joins: Readonly<Record<string, string>> = {
    "the largest numbers": `{"since_seq":${huge},"since_rev":${huge},"generation":${huge}}`,
    "a number beyond a bigint": `{"since_seq":99999999999999999999,"since_rev":1}`,
    "cursors for no conversation": `{"cursors":{"${newId()}":${huge}},"generation":${huge}}`,
    "cursors that are no numbers": `{"cursors":{"${newId()}":1e400}}`,
    "a cursor under a name with U+0000": `{"cursors":{"a\\u0000b":1}}`,
  };
  const badTopics = [
    "conversation:a\\u0000b",
    "conversation:\\ud800",
    "conversation:' or 1=1",
    "user:\\u0000",
  ];
  const badDevices = ["a\0b", "\ud800", "\0".repeat(128)];

  test("joins of others are all answered while one user joins with it on four sockets", async () => {
    const guilty = newId();
    const open = { url: server.url, token: await server.token(guilty, { deviceId: newId() }) };
    const sockets = await Promise.all(Array.from({ length: 4 }, () => FrameSocket.open(open)));
    const innocent = await FrameSocket.open({ url: server.url, token: await server.token(bob) });
    const replies: Reply[] = [];
    for (let round = 0; round < 10; round++) {
      const poison = sockets.flatMap((socket) => [
        ...Object.values(joins).map((payload) => socket.join(`user:${guilty}`, `u${round}`, payload)),
        ...Object.values(joins).map((payload) => socket.join(topic, `c${round}`, payload)),
        ...badTopics.map((each) => socket.join(each, `b${round}`)),
      ]);
      const good = [innocent.join(topic, `t${round}`), innocent.join(`user:${bob}`, `u${round}`)];
      replies.push(...(await Promise.all(good)));
      await Promise.all(poison);
    }
    expect(replies.filter(({ status }) => status !== "ok")).toEqual([]);
    for (const socket of [...sockets, innocent]) socket.close();
  });

  test.each(badDevices)(
    "a device id that the store could not take, %j, is refused with its token",
    async (deviceId) => {
      const bad = await server.token(newId(), { deviceId });
      const answer = await fetch(`${server.url}/api/v1/conversations`, {
        headers: { authorization: `Bearer ${bad}` },
      });
      expect(answer.status).toBe(401);
    },
  );
});

test("I10: all the while another conversation was committed without a gap and without a refusal", async () => {
  await bystander.stop();
  expect(bystander.refusals).toEqual([]);
  expect(bystander.acknowledged).toBeGreaterThan(50);
  expect(bystander.longestGapMs).toBeLessThan(paced(longestGapMs));
  expect(server.complaints).toEqual([]);
});

/** The sender's socket, and the other member's, on the conversation's topic. */
class Pair implements AsyncDisposable {
  readonly heard: Sent[] = [];
  readonly #sender: FrameSocket;
  readonly #listener: FrameSocket;

  private constructor(sender: FrameSocket, listener: FrameSocket) {
    this.#sender = sender;
    this.#listener = listener;
    listener.onFrame = ({ event, payload }) => {
      if (event === "new_message") this.heard.push((payload as { message: Sent }).message);
    };
  }

  static async open(): Promise<Pair> {
    const { url } = server;
    const sender = await FrameSocket.open({ url, token });
    const listener = await FrameSocket.open({ url, token: await server.token(bob) });
    await Promise.all([sender.join(topic, "s"), listener.join(topic, "l")]);
    return new Pair(sender, listener);
  }

  send(payload: string): Promise<Reply> {
    return this.#sender.push(topic, "s", "new_message", payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender.close();
    this.#listener.close();
  }
}

/** Two others who talk all the while, one message after the other. */
class Bystander {
  acknowledged = 0;
  longestGapMs = 0;
  readonly refusals: unknown[] = [];
  #over = false;
  #done: Promise<void>;

  private constructor(socket: FrameSocket, topicOfOthers: string) {
    this.#done = this.#talk(socket, topicOfOthers);
  }

  static async start(): Promise<Bystander> {
    const carolToken = await server.token(newId());
    const other = await new RestClient({ url: server.url, token: carolToken }).createDirect(newId());
    const socket = await FrameSocket.open({ url: server.url, token: carolToken });
    await socket.join(`conversation:${other}`, "b");
    return new Bystander(socket, `conversation:${other}`);
  }

  stop(): Promise<void> {
    this.#over = true;
    return this.#done;
  }

  async #talk(socket: FrameSocket, topicOfOthers: string): Promise<void> {
    while (!this.#over) {
      const sentMs = performance.now();
      const { status, response } = await socket.push(
        topicOfOthers,
        "b",
        "new_message",
        `{"content":"on we go"}`,
      );
      this.longestGapMs = Math.max(this.longestGapMs, performance.now() - sentMs);
      if (status === "ok") this.acknowledged++;
      else this.refusals.push(response);
    }
    socket.close();
  }
}

async function post(body: string) {
  const response = await fetch(`${server.url}/api/v1/conversations/${conversationId}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body,
  });
  const answer = (await response.json()) as { data?: unknown; meta?: unknown; error?: string };
  return { status: response.status, body: answer };
}

/** As many levels of objects. */
function nested(levels: number): string {
  return `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
}
