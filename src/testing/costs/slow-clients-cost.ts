import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { newId } from "../../system.ts";
import { StoredConversation } from "../builders/stored-conversation.ts";
import { testKeys } from "../builders/tokens.ts";
import { FrameSocket } from "../clients/frame-socket.ts";
import { RestClient } from "../clients/rest-client.ts";
import { testDatabase } from "../processes/database.ts";
import { binaryUnderTest } from "../processes/isolated-binary.ts";
import { outsidePool } from "../processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../processes/server.ts";

/**
 * What clients that read nothing cost: memory of the process, and how long others wait meanwhile. Measured and printed for
 * bench/README.md, on the executable with a PostgreSQL of its own, with the default bound of what one user asks at once:
 * `WHISPR_TEST_BINARY=dist/whispr-msg bun test ./src/testing/costs/slow-clients-cost.ts`. Wants a machine that does nothing else.
 */

const closers: (() => unknown)[] = [];
let server: ServerProcess;
let token: string;
let conversationId: string;
let others: { readonly socket: FrameSocket; readonly topic: string };

beforeAll(async () => {
  const [postgres, keys] = await Promise.all([testDatabase(), testKeys()]);
  server = await startServer({
    command: [binaryUnderTest()],
    arguments: ["serve"],
    environment: {
      LIMIT_USER_REQUESTS_AT_ONCE: "",
      DATABASE_URL: postgres.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    },
    port: await freePort(),
  });
  const outside = outsidePool(postgres.url, 4);
  closers.push(
    () => keys.dispose(),
    () => postgres.close(),
    () => outside.end(),
    () => server.end("SIGKILL"),
  );
  const [reader, anna] = [newId(), newId()];
  token = await keys.token(reader);
  const sql = async (text: string, values: readonly unknown[] = []) =>
    (await outside.query(text, [...values])).rows as never[];
  const conversation = await StoredConversation.of({ sql } as never, [reader]);
  for (let sent = 0; sent < 100; sent++)
    await conversation.send(reader, { content: "\u0001".repeat(65_000) });
  conversationId = conversation.id;
  const annas = await keys.token(anna);
  const other = await new RestClient({ url: server.url, token: annas }).createDirect(newId());
  const topic = `conversation:${other}`;
  const socket = await FrameSocket.open({ url: server.url, token: annas });
  await socket.join(topic, "1");
  others = { socket, topic };
}, 120_000);
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

function rssMb(): number {
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))!;
  return Math.round(Number(kb) / 1024);
}

/** One send and one join after the other for so long. Milliseconds of each. */
async function waitsOf(durationMs: number) {
  const waits: number[] = [];
  const untilMs = performance.now() + durationMs;
  let mostMb = rssMb();
  while (performance.now() < untilMs) {
    const startMs = performance.now();
    const sent = await others.socket.push(others.topic, "1", "new_message", `{"content":"hello"}`);
    const joined = await others.socket.join(others.topic, "1");
    expect([sent.status, joined.status]).toEqual(["ok", "ok"]);
    waits.push((performance.now() - startMs) / 2);
    mostMb = Math.max(mostMb, rssMb());
    await Bun.sleep(20);
  }
  waits.sort((one, other) => one - other);
  const at = (part: number) => waits[Math.floor(part * (waits.length - 1))]!.toFixed(1);
  return { median: at(0.5), p99: at(0.99), longest: at(1), mostMb };
}

/** Asks again and again for the largest page, and reads nothing. */
function neverReading(): Socket {
  const { hostname, port } = new URL(server.url);
  const request =
    `GET /api/v1/conversations/${conversationId}/changes?since=0&limit=500 HTTP/1.1\r\n` +
    `host: ${hostname}\r\nauthorization: Bearer ${token}\r\n\r\n`;
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.pause();
  socket.write(request);
  const asking = setInterval(() => socket.write(request), 400);
  socket.on("close", () => clearInterval(asking));
  return socket;
}

test.each([8, 100, 400])(
  "%d connections that read nothing",
  async (connections) => {
    const answer = await fetch(
      `${server.url}/api/v1/conversations/${conversationId}/changes?since=0&limit=500`,
      {
        headers: { authorization: `Bearer ${token}` },
      },
    );
    const bytes = (await answer.bytes()).byteLength;
    const alone = await waitsOf(4_000);
    const silent = Array.from({ length: connections }, neverReading);
    const beside = await waitsOf(12_000);
    for (const socket of silent) socket.destroy();
    console.log(
      `${connections} connections, answers of ${bytes} bytes: ${JSON.stringify({ alone, beside })}`,
    );
    await Bun.sleep(1_000);
  },
  60_000,
);
