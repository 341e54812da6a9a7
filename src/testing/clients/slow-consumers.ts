import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestKeys, testKeys } from "../builders/tokens.ts";
import { eventually } from "../eventually.ts";
import { type TestDatabase, testDatabase } from "../processes/database.ts";
import { Listener, type Listening } from "../processes/listener.ts";
import { freePort, type ServerProcess, startServer } from "../processes/server.ts";
import type { ListenersReport } from "./listeners-process.ts";
import { createGroup, People, type Person } from "./people.ts";

/**
 * Sockets that stop reading cost neither memory without end nor the others their time, and lose nothing. On the executable, in a minute or
 * so, and best on a machine that does nothing else: `WHISPR_TEST_BINARY=dist/whispr-msg bun test ./src/testing/clients/slow-consumers.ts`.
 */

const groups = 10;
const sleepersEach = 10;
const awakeEach = 4;
const messagesPerSecond = 1_000;
const secondsBefore = 6;
const secondsFrozen = 14;
/** Large enough to overfill the buffers of the kernel and the bound of a socket in that time. */
const text = "x".repeat(4_000);
/** What 100 sockets may wait with, and as much again for what becomes of it on its way. */
const allowedMb = 250;

let keys: TestKeys;
let database: TestDatabase;
let server: ServerProcess;
let sleepers: Sleepers;
beforeAll(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
}, 30_000);
afterAll(async () => {
  await Promise.all([sleepers?.end(), server?.end("SIGKILL")]);
  await database.close();
  keys.dispose();
}, 30_000);

describe("100 sockets that stop reading while 1,000 messages a second flow", () => {
  test("cost bounded memory and nobody else's time, and have everything when they come back", async () => {
    server = await start();
    const people = new People({ url: server.url, token: keys.token });
    const crowd = await Promise.all(Array.from({ length: groups }, () => Group.create(server.url, people)));
    const listeners = crowd.flatMap(({ awake }) => awake);
    sleepers = await Sleepers.start(crowd.flatMap(({ sleepers }) => sleepers));

    await flow(crowd, 2);
    const before = await measured(server, listeners, () => flow(crowd, secondsBefore));
    sleepers.stop();
    const frozen = await measured(server, listeners, () => flow(crowd, secondsFrozen));
    const backMs = performance.now();
    sleepers.goOn();
    const sent = crowd.flatMap((group) => Array<number>(sleepersEach).fill(group.sent));
    const back = await measured(server, listeners, () => sleepers.have(sent));
    const tookMs = performance.now() - backMs;
    const { closed, violations } = await sleepers.report();

    console.log(
      `slow consumers: p99 ${before.p99Ms} ms before, ${frozen.p99Ms} ms beside 100 stopped sockets; memory ${before.peakMb} MB, ` +
        `${frozen.peakMb} MB, ${back.peakMb} MB as they come back; ${closed} were closed; complete after ${Math.round(tookMs)} ms`,
    );
    expect(violations).toEqual([]);
    for (const listener of listeners) expect(listener.violations).toEqual([]);
    expect(frozen.p99Ms).toBeLessThan(2 * before.p99Ms);
    expect(frozen.peakMb - before.peakMb).toBeLessThan(allowedMb);
    expect(back.peakMb - before.peakMb).toBeLessThan(allowedMb);
    for (const each of [...listeners, ...crowd.map(({ sender }) => sender)]) each.disconnect();
    await sleepers.end();
    expect((await server.end("SIGTERM")).code).toBe(0);
  }, 180_000);
});

async function start(): Promise<ServerProcess> {
  const environment = {
    DATABASE_URL: database.url,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
  };
  return startServer({ arguments: ["serve"], environment, port: await freePort() });
}

/** Sends at the rate, whatever the answers do; resolves when all are answered and have come to whoever is awake. */
async function flow(crowd: readonly Group[], seconds: number): Promise<void> {
  const startMs = performance.now();
  const total = seconds * messagesPerSecond;
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, ((performance.now() - startMs) / 1_000) * messagesPerSecond);
    for (; sent < due; sent++) crowd[sent % groups]!.send();
    await Bun.sleep(2);
  }
  await eventually(
    "those who are awake to have everything",
    () => crowd.every((group) => group.isHeard),
    30_000,
  );
}

interface Measured {
  /** From the sending of a message to its coming on the sockets that read: of an ordinary second, so that a pause of a shared machine does not decide. */
  readonly p99Ms: number;
  readonly peakMb: number;
}

async function measured(
  server: ServerProcess,
  listeners: readonly Listener[],
  act: () => Promise<void>,
): Promise<Measured> {
  const p99s: number[] = [];
  let peakMb = 0;
  const watching = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(server.pid));
  }, 50);
  p99Of(listeners);
  const seconds = setInterval(() => p99s.push(p99Of(listeners)), 1_000);
  await act();
  clearInterval(watching);
  clearInterval(seconds);
  return { p99Ms: Math.round(inOrder(p99s)[Math.floor(p99s.length / 2)] ?? 0), peakMb };
}

/** Of what came since the last call. */
function p99Of(listeners: readonly Listener[]): number {
  const tookMs = inOrder(listeners.flatMap((listener) => listener.tookMs.splice(0)));
  return tookMs[Math.floor(tookMs.length * 0.99)] ?? 0;
}

function inOrder(numbers: readonly number[]): number[] {
  return [...numbers].sort((one, other) => one - other);
}

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0;
  return Math.round(Number(kb) / 1_024);
}

/** A process with the sockets that stop reading. */
class Sleepers {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#process = process;
    this.#lines = linesOf(process.stdout);
  }

  static async start(listeners: readonly Listening[]): Promise<Sleepers> {
    const script = join(import.meta.dir, "listeners-process.ts");
    const sleepers = new Sleepers(
      Bun.spawn([process.execPath, script], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }),
    );
    expect(await sleepers.#ask(JSON.stringify(listeners))).toBe("live");
    return sleepers;
  }

  stop(): void {
    this.#process.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process.kill("SIGCONT");
  }

  async have(counts: readonly number[]): Promise<void> {
    await eventually(
      "everybody to have everything",
      async () => (await this.report()).counts.every((count, index) => count === counts[index]),
      90_000,
    );
  }

  async report(): Promise<ListenersReport> {
    return JSON.parse(await this.#ask("report"));
  }

  async end(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #ask(line: string): Promise<string> {
    this.#process.stdin.write(`${line}\n`);
    await this.#process.stdin.flush();
    return (await this.#lines.next()).value;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop()!;
    yield* lines;
  }
  throw new Error("the sleepers ended");
}

/** One writes, on the conversation's topic; the others listen on the topics of their users. */
class Group {
  readonly sender: Listener;
  readonly awake: readonly Listener[];
  readonly sleepers: readonly Listening[];
  readonly #conversationId: string;
  sent = 0;

  private constructor(options: {
    readonly conversationId: string;
    readonly sender: Listener;
    readonly awake: readonly Listener[];
    readonly sleepers: readonly Listening[];
  }) {
    this.#conversationId = options.conversationId;
    this.sender = options.sender;
    this.awake = options.awake;
    this.sleepers = options.sleepers;
  }

  static async create(url: string, people: People): Promise<Group> {
    const members = await people.many(1 + awakeEach + sleepersEach);
    const conversationId = await createGroup(members);
    const topicOf = ({ id }: Person, index: number) =>
      index === 0 ? `conversation:${conversationId}` : `user:${id}`;
    const places = await Promise.all(
      members.map(async (person, index) => {
        const token = await keys.token(person.id, { deviceId: "phone" });
        return { url, token, topic: topicOf(person, index) };
      }),
    );
    const [sender, ...awake] = places.slice(0, 1 + awakeEach).map((place) => new Listener(place));
    await Promise.all([sender!, ...awake].map((listener) => listener.connect()));
    return new Group({ conversationId, sender: sender!, awake, sleepers: places.slice(1 + awakeEach) });
  }

  send(): void {
    this.sent++;
    const payload = { content: `${performance.now()} ${text}`, client_random: this.sent };
    this.sender.push(`conversation:${this.#conversationId}`, "new_message", payload);
  }

  get isHeard(): boolean {
    return [this.sender, ...this.awake].every(({ seqs }) => seqs.size === this.sent);
  }
}
