import { expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { newId } from "../../system.ts";
import { testKeys } from "../builders/tokens.ts";
import { FrameSocket } from "../clients/frame-socket.ts";
import { RestClient } from "../clients/rest-client.ts";
import { testDatabase } from "../processes/database.ts";
import { binaryUnderTest } from "../processes/isolated-binary.ts";
import { freePort, startServer } from "../processes/server.ts";

/**
 * A client that joins 80 groups of 1,000 members at once, with a cursor, over a link of 1 MB/s: how often its socket is closed until all are
 * joined, and how long that takes. Printed for bench/README.md: `WHISPR_TEST_BINARY=dist/whispr-msg bun test ./src/testing/costs/slow-link-cost.ts`.
 */

const groups = 80;
const members = 1_000;
const bytesPerSecond = 1_000_000;
const longestTries = 5;

/** Passes to the client what comes at the rate of the link, and holds back the server for the rest. */
async function slowLink(port: number): Promise<{ readonly url: string; readonly close: () => void }> {
  const open = new Set<Socket>();
  const server = createServer({ highWaterMark: 16_384 }, (near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on("data", (chunk) => {
      near.write(chunk);
      far.pause();
      setTimeout(() => far.resume(), (chunk.length / bytesPerSecond) * 1_000);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as { port: number };
  const close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { url: `http://127.0.0.1:${own}`, close };
}

test("80 joins of groups of 1,000 members over 1 MB/s", async () => {
  const [database, keys] = await Promise.all([testDatabase(), testKeys()]);
  await using server = await startServer({
    command: [binaryUnderTest()],
    arguments: ["serve"],
    environment: {
      DATABASE_URL: database.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    },
    port: await freePort(),
  });
  const token = await keys.token(newId());
  const rest = new RestClient({ url: server.url, token });
  const ids: string[] = [];
  for (let group = 0; group < groups; group++) {
    const user_ids = Array.from({ length: members - 1 }, () => newId());
    const { body } = await rest.call("POST", "/conversations", { type: "group", name: "many", user_ids });
    ids.push((body as { data: { id: string } }).data.id);
  }
  const link = await slowLink(Number(new URL(server.url).port));
  let joined = 0;
  let bytes = 0;
  let tries = 0;
  const startedMs = performance.now();
  while (joined < groups && tries < longestTries) {
    tries++;
    joined = 0;
    const socket = await FrameSocket.open({ url: link.url, token });
    const over = new Promise<void>((resolve) => {
      socket.onClose = () => resolve();
    });
    // As a client that comes back: all of its topics at once.
    const all = ids.map(async (id, index) => {
      const payload = '{"since_seq":0,"since_rev":0,"generation":1}';
      const { status, response } = await socket.join(`conversation:${id}`, String(index + 1), payload);
      bytes += JSON.stringify(response).length;
      if (status === "ok") joined++;
    });
    await Promise.race([Promise.all(all), over]);
    socket.close();
  }
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(
    `slow link: ${joined} of ${groups} joined after ${tries} socket(s), ${tookMs} ms, ${Math.round(bytes / 1_000)} kB of replies`,
  );
  link.close();
  await server.end("SIGTERM");
  await database.close();
  keys.dispose();
  expect(joined).toBe(groups);
}, 300_000);
