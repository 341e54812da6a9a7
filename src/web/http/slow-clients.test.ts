import { afterEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { isRejection } from "../../core/rejection.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { eventually } from "../../testing/eventually.ts";
import { jsonResponse } from "./json-response.ts";
import { rejectionResponse } from "./rejections.ts";
import { watchSlowClients } from "./slow-clients.ts";

/** S3: bytes that clients do not read, or do not send to their end, are bounded for all of them together. */

const mebibyte = 1 << 20;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Answers each with so many bytes, and reads bodies; the path names the user. */
function aServer(answerBytes: number, maxHeldBytes: number) {
  const clock = new VirtualClock();
  const notes = noteTaker();
  let unanswered = 0;
  const text = `"${"x".repeat(answerBytes - 2)}"`;
  const slow = watchSlowClients({
    maxBodyBytes: mebibyte,
    maxHeldBytes,
    clock,
    observer: notes.observer,
    server: () => server,
    unanswered: () => unanswered,
  });
  const answer = async (request: Request) => {
    const user = new URL(request.url).pathname;
    if (request.method === "GET") return slow.answers.bounded(request, user, jsonResponse(200, text));
    const body = await slow.bodies.json(request, user);
    return isRejection(body) ? body : jsonResponse(200, JSON.stringify(body.value));
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      unanswered++;
      const answered = await answer(request).finally(() => unanswered--);
      return isRejection(answered) ? rejectionResponse(answered, { connection: "close" }) : answered;
    },
  });
  closers.push(() => server.stop(true));
  const { port } = server;
  return { clock, notes, slow, server, url: `http://127.0.0.1:${port}`, port: port! };
}

/** A connection that sends, and reads nothing until it is told to. */
async function deaf(port: number, text: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(text);
  closers.push(() => socket.destroy());
  return socket;
}

const get = (user: string) => `GET /${user} HTTP/1.1\r\nhost: here\r\n\r\n`;

test("large answers that nobody reads are bounded together, and who reads gets theirs at the cost of who holds most", async () => {
  const { port, url, slow, notes } = aServer(12 * mebibyte, 30 * mebibyte);
  await Promise.all(Array.from({ length: 8 }, () => deaf(port, get("mallory"))));
  await eventually("two that are held, and refusals", () => slow.answers.bytes === 24 * mebibyte);
  const read = await fetch(`${url}/anna`);
  expect(read.status).toBe(200);
  expect((await read.bytes()).byteLength).toBe(12 * mebibyte);
  expect(slow.answers.bytes).toBe(12 * mebibyte);
  expect(notes.warnings).toContainEqual(
    expect.objectContaining({ event: "slow_clients_cut", what: "answers" }),
  );
});

test("whoever holds most is refused by name", async () => {
  const { port, url, slow } = aServer(12 * mebibyte, 30 * mebibyte);
  for (let opened = 0; opened < 2; opened++) await deaf(port, get("mallory"));
  await eventually("two that are held", () => slow.answers.bytes === 24 * mebibyte);
  const refused = await fetch(`${url}/mallory`);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: "overloaded", retry_after_ms: 2_000 });
});

test("an answer that is cut off ends its connection, and what was held of a connection that ends is free", async () => {
  const { port, url, slow, server } = aServer(12 * mebibyte, 13 * mebibyte);
  await deaf(port, get("mallory"));
  await eventually("one that is held", () => slow.answers.bytes > 0);
  expect((await (await fetch(`${url}/anna`)).bytes()).byteLength).toBe(12 * mebibyte);
  await eventually("its connection is closed", () => server.pendingRequests === 0);
  expect(slow.answers.bytes).toBe(0);
  const leaving = await deaf(port, get("mallory"));
  await eventually("one that is held again", () => slow.answers.bytes > 0);
  leaving.destroy();
  await eventually("nothing", () => slow.answers.bytes === 0);
});

test("small answers are given in one piece while few are unread, with their length", async () => {
  const { url, slow } = aServer(mebibyte, 8 * mebibyte);
  const answer = await fetch(`${url}/anna`);
  expect(answer.headers.get("content-length")).toBe(`${mebibyte}`);
  expect((await answer.bytes()).byteLength).toBe(mebibyte);
  expect(slow.answers.bytes).toBe(0);
});

const post = (user: string, bytes: number, sent: string) =>
  `POST /${user} HTTP/1.1\r\nhost: here\r\ncontent-length: ${bytes}\r\n\r\n${sent}`;

test("a body that does not come to its end is refused after a minute, and its connection is closed", async () => {
  const { port, clock, slow } = aServer(10, mebibyte);
  const socket = await deaf(port, post("anna", 100, "[1,"));
  let received = "";
  let isClosed = false;
  socket.on("data", (data) => {
    received += data.toString();
  });
  socket.on("close", () => {
    isClosed = true;
  });
  socket.resume();
  await eventually("the body is being read", () => slow.bodies.bytes === 100);
  await clock.runFor(60_000);
  await eventually("the end", () => isClosed);
  expect(received).toStartWith("HTTP/1.1 504");
  expect(received).toContain(`"error":"timeout"`);
  expect(slow.bodies.bytes).toBe(0);
});

test("bodies that do not come to their end are bounded together, and who sends a whole one is read at the cost of who holds most", async () => {
  const { port, url, slow, notes } = aServer(10, 2 * mebibyte);
  for (let opened = 0; opened < 3; opened++) await deaf(port, post("mallory", mebibyte, "["));
  const chunked = `POST /mallory HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n1\r\n[\r\n`;
  await deaf(port, chunked);
  await eventually("two that are held", () => slow.bodies.bytes === 2 * mebibyte);
  const answer = await fetch(`${url}/anna`, { method: "POST", body: "[1]" });
  expect([answer.status, await answer.json()]).toEqual([200, [1]]);
  expect(notes.warnings).toContainEqual(
    expect.objectContaining({ event: "slow_clients_cut", what: "bodies" }),
  );
  expect(slow.bodies.bytes).toBe(mebibyte);
});
