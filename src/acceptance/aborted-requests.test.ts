import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { handshakeText, RawConnection } from "../testing/clients/raw-connection.ts";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** C3 on the executable: what clients break off is no bug of ours. */
let keys: TestKeys;
let database: TestDatabase;
let server: ServerProcess;
let adminPort: number;
let headers: string;
let before: number;

beforeAll(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
  adminPort = await freePort();
  server = await startServer({
    arguments: ["serve"],
    environment: {
      ADMIN_PORT: String(adminPort),
      DATABASE_URL: database.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    },
    port: await freePort(),
  });
  headers = `Host: a\r\nAuthorization: Bearer ${await keys.token(newId())}\r\n`;
}, 180_000);
afterAll(async () => {
  await server.end("SIGKILL");
  await database.close();
  keys.dispose();
}, 180_000);
beforeEach(async () => {
  before = await figure("whispr_http_requests_aborted_total");
});

async function figure(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

const path = "/api/v1/conversations";
const open = (text: string) => RawConnection.sending(server.url, text);

/** Not a word at error, nothing that counts as a bug, and the server answers as ever. */
async function isNoBug(): Promise<void> {
  expect(
    (await (await open(`GET ${path} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`)).settled()).status,
  ).toBe(200);
  expect(await figure("whispr_internal_errors_total")).toBe(0);
  expect(server.output()).not.toContain('"level":"error"');
}

const leaving = {
  closes: (connection: RawConnection) => connection.close(),
  "resets the connection": (connection: RawConnection) => connection.reset(),
  "closes its half": (connection: RawConnection) => connection.halfClose(),
} as const;

describe("C3: a client that leaves in the middle of a body", () => {
  const bodies = {
    "with a length": `Content-Length: 100\r\n\r\n{"type":`,
    "in chunks": `Transfer-Encoding: chunked\r\n\r\n8\r\n{"type":\r\n`,
  };
  for (const [how, leave] of Object.entries(leaving))
    for (const [which, body] of Object.entries(bodies))
      test(`${which}, and ${how}, is counted, and no bug`, async () => {
        const connection = await open(`POST ${path} HTTP/1.1\r\n${headers}${body}`);
        // What was sent has been read once a later request is answered.
        await isNoBug();
        leave(connection);
        await eventually(
          "it to be counted",
          async () => (await figure("whispr_http_requests_aborted_total")) === before + 1,
        );
        await isNoBug();
      });
});

describe("C3: no bug either", () => {
  test("an upload beyond the limit whose client leaves", async () => {
    for (const body of [
      `Content-Length: 900000\r\n\r\n${"x".repeat(1_000)}`,
      `Transfer-Encoding: chunked\r\n\r\n${`2710\r\n${"x".repeat(10_000)}\r\n`.repeat(60)}`,
    ]) {
      const connection = await open(`POST ${path} HTTP/1.1\r\n${headers}${body}`);
      expect([null, 413]).toContain((await connection.settled()).status);
      connection.reset();
    }
    await isNoBug();
  });

  test("a client that leaves while it is answered", async () => {
    for (let nth = 0; nth < 20; nth++) {
      const connection = await open(`GET ${path} HTTP/1.1\r\n${headers}\r\n`);
      if (nth % 2 === 0) await connection.settled();
      connection.reset();
    }
    await isNoBug();
  });

  test("a client that leaves in the middle of a handshake, or right after it", async () => {
    const token = await keys.token(newId());
    const whole = handshakeText(`/socket/websocket?vsn=2.0.0&token=${token}`);
    for (let nth = 0; nth < 20; nth++) {
      const connection = await open(nth % 2 === 0 ? whole : whole.slice(0, 50 + nth));
      if (nth % 4 === 0) await connection.settled();
      connection.reset();
    }
    await isNoBug();
  });

  test.each(["-1", "abc", "1e3", "99999999999999999999", "5, 5", "+5", ""])(
    "a content-length of %p",
    async (length) => {
      const connection = await open(
        `POST ${path} HTTP/1.1\r\n${headers}Content-Length: ${length}\r\n\r\nabcde`,
      );
      const { status } = await connection.settled();
      expect([null, 400, 413, 422]).toContain(status);
      connection.close();
      await isNoBug();
    },
  );

  test("chunks that are none", async () => {
    const connection = await open(
      `POST ${path} HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`,
    );
    await connection.settled();
    connection.close();
    await isNoBug();
  });
});
