/** Conformance with the unmodified `phoenix` package from npm. */
import { describe, expect, test } from "bun:test";
import { request } from "node:http";
import { type Channel as ClientChannel, Socket, type SocketConnectOption } from "phoenix";
import { type Endpoint, echoChannel, endpoint, joinsByHand } from "./testing/endpoint.ts";
import { eventually } from "./testing/raw-client.ts";

const topic = "place:1";

/** The types on npm are of 1.6; 1.8 knows `authToken`. */
type Options = Partial<SocketConnectOption> & { authToken?: string };

class StockSocket extends Socket implements Disposable {
  static open(server: Endpoint, options: Options = {}): StockSocket {
    const socket = new StockSocket(server.url, { transport: WebSocket, ...options });
    socket.connect();
    return socket;
  }
  [Symbol.dispose](): void {
    this.disconnect();
  }
}

/** The status and response of a phoenix.js push. */
function outcome(push: ReturnType<ClientChannel["push"]>): Promise<[status: string, response: unknown]> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"] as const) {
      push.receive(status, (response: unknown) => resolve([status, response]));
    }
  });
}

/** What the server selects of the subprotocols that are offered: of a bare handshake, because clients differ in what they then accept. */
function protocolOf({ port }: Endpoint, offered: readonly string[]): Promise<string | undefined> {
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...(offered.length > 0 && { "sec-websocket-protocol": offered.join(", ") }),
  };
  const asked = request({ host: "127.0.0.1", port, path: "/socket/websocket?vsn=2.0.0", headers });
  return new Promise((resolve, fail) => {
    asked.once("error", fail);
    asked.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.headers["sec-websocket-protocol"]);
    });
    asked.end();
  });
}

describe("the stock phoenix client", () => {
  test("joins with params.token, pushes, is answered, hears broadcasts and leaves", async () => {
    await using server = endpoint({ channel: echoChannel() });
    using socket = StockSocket.open(server, { params: { token: "ada" } });
    const channel = socket.channel(topic, { hello: 1 });
    const heard: unknown[] = [];
    channel.on("news", (payload) => void heard.push(payload));
    expect(await outcome(channel.join())).toEqual(["ok", { you: "ada" }]);
    expect(await outcome(channel.push("say", { text: "hi" }))).toEqual([
      "ok",
      { event: "say", got: { text: "hi" } },
    ]);
    server.sockets.broadcast(topic, "news", `{"n":1}`);
    await eventually("the broadcast", () => heard.length === 1);
    expect((await outcome(channel.leave()))[0]).toBe("ok");
    await eventually("the topic to be left", () => !server.sockets.hasListeners(topic));
    expect(channel.state).toBe("closed" as typeof channel.state);
    expect(heard).toEqual([{ n: 1 }]);
  });

  test("joins with authToken, which is echoed as subprotocol phoenix", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI_Pz8ifQ.c2lnbmF0dXJl-_";
    using socket = StockSocket.open(server, { authToken: token });
    expect(await outcome(socket.channel(topic).join())).toEqual(["ok", { you: token }]);
    expect((socket as unknown as { conn: WebSocket }).conn.protocol).toBe("phoenix");
  });

  test("hears phoenix as the subprotocol when it offers that, and none otherwise, least of all its token", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const bearer = "base64url.bearer.phx.c2VjcmV0";
    const offers = [["chat"], [bearer], ["chat", "phoenix"], ["phoenix", bearer], []];
    const selected = await Promise.all(offers.map((offered) => protocolOf(server, offered)));
    expect(selected).toEqual([undefined, undefined, "phoenix", "phoenix", undefined]);
  });

  test("sends an ArrayBuffer, which arrives as bytes", async () => {
    await using server = endpoint({
      channel: echoChannel({
        receive: (push) => push.reply(true, JSON.stringify([...(push.payload as Uint8Array)])),
      }),
    });
    using socket = StockSocket.open(server);
    const channel = socket.channel(topic);
    await outcome(channel.join());
    expect(await outcome(channel.push("upload", new Uint8Array([0, 1, 255]).buffer))).toEqual([
      "ok",
      [0, 1, 255],
    ]);
  });

  test("hears why a join was refused, and is answered an error for a push that fails", async () => {
    await using server = endpoint({
      channel: echoChannel({ receive: (push) => push.reply(false, `{"reason":"unknown_event"}`) }),
    });
    using socket = StockSocket.open(server);
    expect(await outcome(socket.channel("elsewhere").join())).toEqual([
      "error",
      { reason: "unmatched topic" },
    ]);
    const channel = socket.channel(topic);
    await outcome(channel.join());
    expect(await outcome(channel.push("x", {}))).toEqual(["error", { reason: "unknown_event" }]);
  });

  test("stays joined when a second channel object takes over the topic and joins again", async () => {
    await using server = endpoint({ channel: echoChannel() });
    using socket = StockSocket.open(server);
    await outcome(socket.channel(topic).join());
    const second = socket.channel(topic);
    const heard: unknown[] = [];
    second.on("news", (payload) => void heard.push(payload));
    expect((await outcome(second.join()))[0]).toBe("ok");
    expect((await outcome(second.push("say", {})))[0]).toBe("ok");
    server.sockets.broadcast(topic, "news", "{}");
    await eventually("the broadcast", () => heard.length === 1);
  });

  test("gives up a join that takes too long, joins again and ends joined", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    using socket = StockSocket.open(server, { rejoinAfterMs: () => 5 });
    const channel = socket.channel(topic);
    channel.join(30);
    await eventually("the second question", () => joins.asked.length >= 2);
    for (let index = 0; index < joins.asked.length; index += 1)
      joins.settle(index, { ok: true, response: "{}" });
    await eventually("the channel to be joined", () => {
      for (let index = 0; index < joins.asked.length; index += 1)
        joins.settle(index, { ok: true, response: "{}" });
      return channel.state === ("joined" as typeof channel.state);
    });
  });

  test("beats its heart and stays connected", async () => {
    await using server = endpoint({ channel: echoChannel() });
    using socket = StockSocket.open(server, { heartbeatIntervalMs: 10 });
    let answered = 0;
    socket.onMessage((message) => {
      const { topic: of } = message as { topic: string };
      if (of === "phoenix") answered += 1;
    });
    await eventually("three heartbeats", () => answered >= 3);
    expect(server.seen.closes).toEqual([]);
  });

  test("comes back by itself after a restart of the server, the same channel object joined again", async () => {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const first = endpoint({ channel: echoChannel(), port });
    using socket = StockSocket.open(first, { params: { token: "ada" }, rejoinAfterMs: () => 5 });
    const channel = socket.channel(topic);
    await outcome(channel.join());
    await first.sockets.drain({ batch: 10, pauseMs: 1, code: 1012 });
    await first[Symbol.asyncDispose]();
    await using second = endpoint({ channel: echoChannel(), port });
    await eventually("the topic to be joined again", () => second.sockets.hasListeners(topic));
    expect(await outcome(channel.push("say", {}))).toEqual(["ok", { event: "say", got: {} }]);
  });

  test("is refused by HTTP status, never by an accepted socket that is closed", async () => {
    await using server = endpoint({ channel: echoChannel() });
    let opened = 0;
    let failed = 0;
    using socket = new StockSocket(server.url, { transport: WebSocket, params: { token: "refused" } });
    socket.onOpen(() => {
      opened += 1;
    });
    socket.onError(() => {
      failed += 1;
    });
    socket.connect();
    await eventually("two refusals", () => failed >= 2);
    expect(opened).toBe(0);
  });
});
