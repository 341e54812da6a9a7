import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Channel, Socket } from "phoenix";
import { newId } from "../system.ts";
import { testKeys } from "../testing/builders/tokens.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { testDatabase } from "../testing/processes/database.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { freePort, startServer } from "../testing/processes/server.ts";

/** The unmodified npm `phoenix` client against the whole server. */

let server: InProcess;

beforeAll(async () => {
  server = await startInProcess();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose](), 120_000);

describe("a stock phoenix client", () => {
  for (const way of ["params.token", "authToken"] as const) {
    test(`with ${way} joins, sends, receives, leaves and joins again`, async () => {
      const { alice, bob, conversationId } = await aliceAndBob();
      using sending = alice.device(way);
      using receiving = bob.device(way);
      const [conversation, heard] = sending.topic(`conversation:${conversationId}`);
      const [ofBob, heardByBob] = receiving.topic(`conversation:${conversationId}`);
      const [, heardAsBob] = receiving.topic(`user:${bob.id}`);
      expect(await outcome(conversation.join())).toMatchObject([
        "ok",
        { conversation: { id: conversationId, type: "direct", is_active: true }, head_seq: 0, head_rev: 0 },
      ]);
      expect(await receiving.joinAll()).toMatchObject([
        ["ok", {}],
        ["ok", { user_id: bob.id }],
      ]);

      const [status, { message }] = await send(conversation, { content: "hello", client_random: 1 });
      expect(status).toBe("ok");
      expect(message).toMatchObject({
        seq: 1,
        rev: 1,
        content: "hello",
        sender_id: alice.id,
        client_random: 1,
      });
      await eventually("both topics to tell", () => heardByBob.length + heardAsBob.length === 2);
      expect([heard, heardByBob, heardAsBob]).toEqual([[message!], [message!], [message!]]);

      expect((await outcome(ofBob.leave()))[0]).toBe("ok");
      await send(conversation, { content: "while he is away" });
      const [again, heardAgain] = receiving.topic(`conversation:${conversationId}`);
      expect(await outcome(again.join())).toMatchObject(["ok", { head_seq: 2, head_rev: 2 }]);
      await send(again, { content: "back" });
      await eventually("all of it", () => heard.length === 3 && heardAsBob.length === 3);
      expect(contents(heardAgain)).toEqual(["back"]);
      expect(contents(heardByBob)).toEqual(["hello"]);
      expect(contents(heardAsBob)).toEqual(["hello", "while he is away", "back"]);
    }, 180_000);
  }

  test("may be one of two devices of a user: each hears what the other one sends", async () => {
    const { alice, conversationId } = await aliceAndBob();
    using phone = alice.device();
    using laptop = alice.device();
    const [onPhone, heardOnPhone] = phone.topic(`conversation:${conversationId}`);
    const [, heardOnLaptop] = laptop.topic(`conversation:${conversationId}`);
    const [, heardAsUser] = laptop.topic(`user:${alice.id}`);
    await Promise.all([phone.joinAll(), laptop.joinAll()]);
    await send(onPhone, { content: "from the phone" });
    await eventually(
      "both devices",
      () => heardOnPhone.length + heardOnLaptop.length + heardAsUser.length === 3,
    );
    for (const heard of [heardOnPhone, heardOnLaptop, heardAsUser])
      expect(contents(heard)).toEqual(["from the phone"]);
  });

  test("that is refused for an event or a payload stays joined", async () => {
    const { alice, conversationId } = await aliceAndBob();
    using device = alice.device();
    const [conversation] = device.topic(`conversation:${conversationId}`);
    await device.joinAll();
    expect(await outcome(conversation.push("explode", {}))).toMatchObject([
      "error",
      { reason: "unknown_event" },
    ]);
    expect(await send(conversation, { content: 7 })).toMatchObject(["error", { reason: "invalid_payload" }]);
    expect((await send(conversation, { content: "still here" }))[0]).toBe("ok");
  });

  test("with a token that is none is refused by HTTP status, tries politely, and is in once it has a good one", async () => {
    const { alice, conversationId } = await aliceAndBob();
    let token = "none";
    const attemptsMs: number[] = [];
    let opened = 0;
    const socket = new Socket(`${server.url.replace("http", "ws")}/socket`, {
      params: () => ({ token }),
      transport: WebSocket,
    });
    socket.onError(() => void attemptsMs.push(performance.now()));
    socket.onOpen(() => void opened++);
    socket.connect();
    await eventually("five refusals", () => attemptsMs.length === 5);
    // Its backoff is 10, 50, 100, 150 ms …; an accepted and closed socket would begin again at 10 each time.
    expect(attemptsMs[4]! - attemptsMs[0]!).toBeGreaterThan(250);
    expect(opened).toBe(0);
    const refused = await fetch(`${server.url}/socket/websocket?vsn=2.0.0&token=none`, {
      headers: handshake,
    });
    expect(refused.status).toBe(401);
    token = alice.token;
    expect((await outcome(socket.channel(`conversation:${conversationId}`).join()))[0]).toBe("ok");
    socket.disconnect();
  }, 180_000);
});

describe("I12: when the server is stopped and started again", () => {
  test("the same objects are told 1012, come back by themselves and go on", async () => {
    const [keys, database, port] = await Promise.all([testKeys(), testDatabase(), freePort()]);
    const environment = {
      DATABASE_URL: database.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    };
    const start = () => startServer({ arguments: ["serve"], environment, port });
    let running = await start();
    try {
      const users = await Promise.all([newUser(running.url, keys.token), newUser(running.url, keys.token)]);
      const [alice, bob] = users;
      const conversationId = await alice.rest.createDirect(bob.id);
      const devices = [alice.device("params.token"), bob.device("authToken")] as const;
      const closeCodes: number[] = [];
      for (const { socket } of devices) socket.onClose(({ code }: CloseEvent) => void closeCodes.push(code));
      const [ofAlice] = devices[0].topic(`conversation:${conversationId}`);
      const [ofBob, heardByBob] = devices[1].topic(`conversation:${conversationId}`);
      const [, heardAsBob] = devices[1].topic(`user:${bob.id}`);
      await Promise.all(devices.map((device) => device.joinAll()));
      await send(ofAlice, { content: "before" });
      await eventually("it to be heard", () => heardByBob.length + heardAsBob.length === 2);

      expect((await running.end("SIGTERM")).code).toBe(0);
      await eventually("both to be told", () => closeCodes.length >= 2);
      expect(closeCodes.slice(0, 2)).toEqual([1012, 1012]);
      running = await start();
      await eventually("both to be back", () => [ofAlice, ofBob].every((channel) => isJoined(channel)));
      expect(await send(ofAlice, { content: "after" })).toMatchObject(["ok", { message: { seq: 2 } }]);
      await eventually("it to be heard", () => heardByBob.length === 2 && heardAsBob.length === 2);
      expect([heardByBob, heardAsBob].map(contents)).toEqual([
        ["before", "after"],
        ["before", "after"],
      ]);
      for (const { socket } of devices) socket.disconnect();
    } finally {
      await running.end("SIGTERM");
      await database.close();
      keys.dispose();
    }
  }, 180_000);
});

describe("I8: a stranger learns nothing", () => {
  test("a join is refused alike for a conversation that exists, one that does not, and no id at all", async () => {
    const { conversationId } = await aliceAndBob();
    const stranger = await newUser(server.url, server.token);
    using device = stranger.device();
    const answers = [];
    for (const id of [conversationId, newId(), "x", ""]) {
      answers.push(await outcome(device.topic(`conversation:${id}`)[0].join()));
    }
    expect(answers[0]).toMatchObject(["error", { reason: "not_authorized" }]);
    for (const answer of answers) expect(answer).toEqual(answers[0]!);
  });

  test("REST answers alike, and a send changes nothing and is told to nobody", async () => {
    const { alice, conversationId } = await aliceAndBob();
    const stranger = await newUser(server.url, server.token);
    using device = alice.device();
    const [, heard] = device.topic(`user:${alice.id}`);
    await device.joinAll();
    const ask = async (method: string, path: string, body?: string) => {
      const headers = { authorization: `Bearer ${stranger.token}` };
      const response = await fetch(`${server.url}/api/v1${path}`, { method, headers, ...(body && { body }) });
      return { status: response.status, body: await response.json() };
    };
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["GET", "/messages", undefined],
      ["POST", "/messages", `{"content":"let me in","sender_id":"${alice.id}"}`],
    ] as const) {
      const existing = await ask(method, `/conversations/${conversationId}${path}`, body);
      expect(existing).toMatchObject({ status: 404, body: { error: "not_found" } });
      expect(await ask(method, `/conversations/${newId()}${path}`, body)).toEqual(existing);
    }
    await alice.rest.call("POST", `/conversations/${conversationId}/messages`, { content: "alone" });
    await eventually("the member to hear", () => heard.length > 0);
    expect(contents(heard)).toEqual(["alone"]);
    expect(await alice.rest.history(conversationId)).toMatchObject([{ seq: 1, content: "alone" }]);
  });

  test("the topic of another user is refused", async () => {
    const { alice, bob } = await aliceAndBob();
    using device = alice.device();
    const answer = await outcome(device.topic(`user:${bob.id}`)[0].join());
    expect(answer).toMatchObject(["error", { reason: "unauthorized" }]);
  });

  test("the sender is who the token names, whatever the payload says", async () => {
    const { alice, bob, conversationId } = await aliceAndBob();
    using device = alice.device();
    const [conversation] = device.topic(`conversation:${conversationId}`);
    await device.joinAll();
    const [, { message }] = await send(conversation, {
      content: "as bob?",
      sender_id: bob.id,
      user_id: bob.id,
    });
    expect(message).toMatchObject({ sender_id: alice.id });
  });
});

describe("one command, whichever way it comes", () => {
  test("I3: what was sent over REST is a duplicate over the channel, and the other way round", async () => {
    const { alice, bob, conversationId } = await aliceAndBob();
    using device = alice.device();
    using other = bob.device();
    const [conversation] = device.topic(`conversation:${conversationId}`);
    const [, heard] = other.topic(`conversation:${conversationId}`);
    await Promise.all([device.joinAll(), other.joinAll()]);
    const path = `/conversations/${conversationId}/messages`;

    const overRest = await alice.rest.call("POST", path, { content: "once", client_random: 1 });
    const { data } = overRest.body as { data: Message };
    expect(overRest.status).toBe(201);
    const [status, again] = await send(conversation, { content: "once", client_random: "1" });
    expect(status).toBe("ok");
    expect(again).toEqual({ message: data, duplicate: true, differs: false });
    const [, { message }] = await send(conversation, { content: "twice", client_random: 2 });
    const named = { content: "otherwise", client_random: 2, conversation_id: conversationId };
    expect(await alice.rest.call("POST", "/messages", named)).toMatchObject({
      status: 200,
      body: { data: message, meta: { duplicate: true, differs: true } },
    });
    await send(conversation, { content: "last" });
    await eventually("the last one", () => contents(heard).includes("last"));
    expect(contents(heard)).toEqual(["once", "twice", "last"]);
  });

  test("I3: the same message sent by both ways at once is stored once", async () => {
    const { alice, conversationId } = await aliceAndBob();
    using device = alice.device();
    const [conversation] = device.topic(`conversation:${conversationId}`);
    await device.joinAll();
    const path = `/conversations/${conversationId}/messages`;
    for (let round = 0; round < 20; round++) {
      const body = { content: `round ${round}`, client_random: round };
      const [[, { message }], posted] = await Promise.all([
        send(conversation, body),
        alice.rest.call("POST", path, body),
      ]);
      expect((posted.body as { data: Message }).data).toEqual(message!);
    }
    expect(await alice.rest.history(conversationId)).toHaveLength(20);
  });

  test("a direct conversation that both create at once is one", async () => {
    for (let round = 0; round < 20; round++) {
      const [alice, bob] = await Promise.all([
        newUser(server.url, server.token),
        newUser(server.url, server.token),
      ]);
      const create = (from: User, to: User) =>
        from.rest.call("POST", "/conversations", { type: "direct", other_user_id: to.id });
      const answers = await Promise.all([create(alice, bob), create(bob, alice), create(alice, bob)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
      expect(new Set(answers.map(({ body }) => (body as { data: Message }).data.id)).size).toBe(1);
    }
  });
});

interface Message {
  readonly id: string;
  readonly content: string;
}

interface User {
  readonly id: string;
  readonly token: string;
  readonly rest: RestClient;
  device(way?: "params.token" | "authToken"): Device;
}

const handshake = {
  upgrade: "websocket",
  connection: "upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A stock socket and its channels. */
class Device implements Disposable {
  readonly socket: Socket;
  readonly #channels: Channel[] = [];

  constructor(url: string, credentials: object) {
    this.socket = new Socket(`${url.replace("http", "ws")}/socket`, { transport: WebSocket, ...credentials });
    this.socket.connect();
  }

  /** A channel that is not joined yet, and the messages that it will hear. */
  topic(name: string): [channel: Channel, heard: Message[]] {
    const channel = this.socket.channel(name, {});
    const heard: Message[] = [];
    channel.on("new_message", ({ message }) => void heard.push(message));
    this.#channels.push(channel);
    return [channel, heard];
  }

  joinAll(): Promise<[string, Answer][]> {
    return Promise.all(this.#channels.map((channel) => outcome(channel.join())));
  }

  [Symbol.dispose](): void {
    this.socket.disconnect();
  }
}

interface Answer {
  readonly message?: Message;
  readonly reason?: string;
  readonly duplicate?: boolean;
  readonly differs?: boolean;
}

async function newUser(url: string, tokenOf: (userId: string) => Promise<string>): Promise<User> {
  const id = newId();
  const token = await tokenOf(id);
  return {
    id,
    token,
    rest: new RestClient({ url, token }),
    device: (way = "params.token") =>
      new Device(url, way === "authToken" ? { authToken: token } : { params: { token } }),
  };
}

async function aliceAndBob() {
  const [alice, bob] = await Promise.all([
    newUser(server.url, server.token),
    newUser(server.url, server.token),
  ]);
  return { alice, bob, conversationId: await alice.rest.createDirect(bob.id) };
}

function send(channel: Channel, payload: object): Promise<[string, Answer]> {
  return outcome(channel.push("new_message", payload));
}

/** The status and the response of a push of the stock client. */
function outcome(push: ReturnType<Channel["push"]>): Promise<[status: string, response: Answer]> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"] as const) {
      push.receive(status, (response: Answer) => resolve([status, response]));
    }
  });
}

function isJoined(channel: Channel): boolean {
  return (channel.state as string) === "joined";
}

function contents(messages: readonly Message[]): readonly string[] {
  return messages.map(({ content }) => content);
}
