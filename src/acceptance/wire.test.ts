import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Channel, LongPoll, Socket } from "phoenix";
import { newId } from "../system.ts";
import { FrameSocket, type HeardFrame } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/** What clients that nobody here wrote say to the whole server, and what must come of it. */

let server: InProcess;
let anna: { readonly id: string; readonly token: string };
let topic: string;

beforeAll(async () => {
  server = await startInProcess();
  const [id, other] = [newId(), newId()];
  anna = { id, token: await server.token(id) };
  const rest = new RestClient({ url: server.url, token: anna.token });
  topic = `conversation:${await rest.createDirect(other)}`;
}, 120_000);
afterAll(() => server[Symbol.asyncDispose](), 120_000);

const socketUrl = () => `${server.url.replace("http", "ws")}/socket`;

function stockSocket(options: object = {}): Socket & { transport: unknown } {
  const given = { params: { token: anna.token }, transport: WebSocket, ...options };
  return new Socket(socketUrl(), given) as Socket & { transport: unknown };
}

function outcome(push: ReturnType<Channel["push"]>): Promise<[status: string, response: Refused]> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"] as const)
      push.receive(status, (response: Refused) => resolve([status, response]));
  });
}

interface Refused {
  readonly reason?: string;
  readonly retry_after_ms?: number;
}

describe("a frame that is too large", () => {
  test("ends the stock client's push with payload_too_large, a final refusal, and neither its socket nor its other pushes", async () => {
    const socket = stockSocket();
    let closes = 0;
    socket.onClose(() => void closes++);
    socket.connect();
    const channel = socket.channel(topic, {});
    expect((await outcome(channel.join()))[0]).toBe("ok");
    for (const size of [600_000, 1_900_000]) {
      const [status, refused] = await outcome(channel.push("new_message", { content: "x".repeat(size) }));
      expect([status, refused.reason, refused.retry_after_ms]).toEqual([
        "error",
        "payload_too_large",
        undefined,
      ]);
    }
    expect((await outcome(channel.push("new_message", { content: "fits" })))[0]).toBe("ok");
    expect(closes).toBe(0);
    socket.disconnect();
  }, 60_000);

  test("is refused as a join as well, and as a body of a request", async () => {
    const socket = stockSocket();
    socket.connect();
    const channel = socket.channel(topic, { note: "x".repeat(600_000) });
    const [status, { reason }] = await outcome(channel.join());
    socket.disconnect();
    expect([status, reason]).toEqual(["error", "payload_too_large"]);
    const rest = new RestClient({ url: server.url, token: anna.token });
    const path = `/conversations/${topic.split(":")[1]}/messages`;
    await expect(rest.call("POST", path, { content: "x".repeat(600_000) })).rejects.toThrow(
      /413 \{"error":"payload_too_large"/,
    );
  }, 60_000);
});

describe("long polling", () => {
  test("is answered so that phoenix.js ends the attempt and tries again, instead of throwing", async () => {
    for (const path of ["/socket", "/messaging/socket"]) {
      const polling = new LongPoll(`${server.url}${path}/websocket?vsn=2.0.0`) as unknown as Polling;
      const errors: unknown[] = [];
      polling.onerror = (error) => void errors.push(error);
      const code = await new Promise((resolve) => {
        polling.onclose = (event) => resolve(event.code);
      });
      expect([errors, code]).toEqual([[403], 1008]);
    }
    const posted = await fetch(`${server.url}/socket/longpoll?vsn=2.0.0`, { method: "POST", body: "[]" });
    expect([posted.status, await posted.json()]).toMatchObject([404, { status: 403, error: "not_found" }]);
  });

  test("is left again by a client that fell back, with the line of docs/app.md, and it joins over WebSocket", async () => {
    let away = true;
    class Flaky extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(away ? "ws://127.0.0.1:1/" : url, protocols);
      }
    }
    const socket = stockSocket({ transport: Flaky, longPollFallbackMs: 10_000, reconnectAfterMs: () => 10 });
    const transports: unknown[] = [];
    socket.onClose(() => {
      transports.push(socket.transport);
      away = false;
      socket.transport = Flaky;
    });
    socket.connect();
    expect((await outcome(socket.channel(topic, {}).join()))[0]).toBe("ok");
    expect(transports).toContain(LongPoll);
    socket.disconnect();
  }, 60_000);
});

/** What `@types/phoenix` does not say of it. */
interface Polling {
  onerror: (error: unknown) => void;
  onclose: (event: { readonly code: number }) => void;
}

describe("a bare client", () => {
  async function open(): Promise<{ readonly socket: FrameSocket; readonly heard: HeardFrame[] }> {
    const socket = await FrameSocket.open({ url: server.url, token: anna.token });
    const heard: HeardFrame[] = [];
    socket.onFrame = (frame) => void heard.push(frame);
    return { socket, heard };
  }

  test("that leaves with a null join_ref hears no message that is sent after the ok", async () => {
    const { socket, heard } = await open();
    const rest = new RestClient({ url: server.url, token: anna.token });
    expect((await socket.join(topic, "1")).status).toBe("ok");
    expect((await socket.push(topic, null, "phx_leave", "{}")).status).toBe("ok");
    const before = heard.length;
    await rest.call("POST", `/conversations/${topic.split(":")[1]}/messages`, {
      content: "not for this socket",
    });
    await socket.heartbeat();
    expect(heard.slice(before).filter(({ event }) => event === "new_message")).toEqual([]);
    socket.close();
  });

  test("that counts in integers and sends PHP's empty array joins, sends and is answered in integers", async () => {
    const { socket, heard } = await open();
    socket.send(`[1,1,"${topic}","phx_join",[]]`);
    socket.send(`[1,2,"${topic}","new_message",{"content":"counted","client_random":"77"}]`);
    const replies = () => heard.filter(({ event }) => event === "phx_reply");
    await eventually("both answers", () => replies().length === 2);
    expect(replies()).toMatchObject([
      { joinRef: 1, ref: 1, payload: { status: "ok" } },
      { joinRef: 1, ref: 2, payload: { status: "ok" } },
    ]);
    socket.close();
  });

  test("whose maps hold only strings resumes from digits, over both topics", async () => {
    const { socket } = await open();
    const resumed = await socket.join(topic, "1", `{"since_seq":"0","since_rev":"0"}`);
    expect(resumed).toMatchObject({ status: "ok", response: { resumed: true } });
    const cursors = JSON.stringify({ [topic.split(":")[1]!]: "1" });
    expect((await socket.join(`user:${anna.id}`, "2", `{"cursors":${cursors}}`)).status).toBe("ok");
    expect((await socket.join(`user:${anna.id}`, "3", `{"cursors":[]}`)).status).toBe("ok");
    socket.close();
  });

  test("that writes PHP's empty array as the body of a request is answered as for an empty object", async () => {
    const path = `${server.url}/api/v1/conversations/${topic.split(":")[1]}/messages`;
    const headers = { authorization: `Bearer ${anna.token}` };
    const answer = async (body: string) => {
      const response = await fetch(path, { method: "POST", headers, body });
      return [response.status, await response.json()];
    };
    expect(await answer("[]")).toEqual(await answer("{}"));
    expect((await answer("[]"))[1]).toMatchObject({ details: { content: expect.anything() } });
  });

  test("that speaks serializer 1.0.0 is refused at its handshake with a text, and told so on an open socket", async () => {
    for (const query of ["", "vsn=1.0.0&"]) {
      const response = await fetch(`${server.url}/socket/websocket?${query}token=${anna.token}`, {
        headers: {
          connection: "upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
      });
      const body = (await response.json()) as { readonly error: string; readonly message: string };
      expect([response.status, body.error]).toEqual([422, "invalid_payload"]);
      expect(body.message).toContain("vsn=2.0.0");
    }
    const { socket, heard } = await open();
    socket.send(JSON.stringify({ topic, event: "phx_join", payload: {}, ref: "1" }));
    await eventually("an answer", () => heard.length === 1);
    expect(heard).toMatchObject([{ ref: "1", topic, payload: { response: { reason: "malformed_frame" } } }]);
    socket.close();
  });
});
