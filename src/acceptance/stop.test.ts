import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { StockClient } from "../testing/clients/stock-client.ts";
import { eventually } from "../testing/eventually.ts";
import { paced } from "../testing/pace.ts";
import { startTestPostgres, type TestPostgres, testDatabase } from "../testing/processes/database.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import {
  familyOf,
  isAlive,
  postgresBehind,
  processesNaming,
  signalAll,
} from "../testing/processes/processes.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** I12 on the executable: what a stop does under load, and with a database that does not answer. */

const idleSockets = 250;
/** Two requests to stop that come within less are one (a terminal and npm pass a Ctrl-C on several times). */
const sameSignalMs = 400;

let keys: TestKeys;
let directory: string;
let server: ServerProcess | null;

beforeAll(async () => {
  keys = await testKeys();
});
afterAll(() => keys.dispose());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "whispr-stop-"));
  server = null;
});
afterEach(async () => {
  await server?.end("SIGKILL");
  signalAll(processesNaming(directory), "SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}, 120_000);

describe("I12: a stop under load loses nothing", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} with a PostgreSQL of one's own`, async () => {
      const database = await testDatabase();
      server = await start({ DATABASE_URL: database.url, WHISPR_AUTO_MIGRATE: "1" });
      const load = await Load.on(server);
      await load.endsWellWith(signal, server);
      expectStored(load, await contentsIn(database.url, load.conversationId));
      await database.close();
    }, 180_000);
  }

  test("SIGTERM with the embedded one, which is gone too", async () => {
    server = await start({ WHISPR_DATA_DIR: join(directory, "data") });
    const { pid } = server;
    const load = await Load.on(server);
    expect(processesNaming(directory).length).toBeGreaterThan(0);
    expect(familyOf(pid).length).toBeGreaterThan(1);
    await load.endsWellWith("SIGTERM", server);
    expect(processesNaming(directory)).toEqual([]);

    server = await start({ WHISPR_DATA_DIR: join(directory, "data") });
    const log = await new RestClient({ url: server.url, token: load.token }).history(load.conversationId);
    expectStored(load, log);
  }, 180_000);
});

describe("I12: a stop with a database that does not answer", () => {
  let postgres: TestPostgres;
  let stopped: readonly number[] = [];

  beforeAll(async () => {
    postgres = await startTestPostgres();
  }, 120_000);
  afterEach(() => signalAll(stopped, "SIGCONT"));
  afterAll(() => postgres.close(), 120_000);

  test("ends within WHISPR_STOP_TIMEOUT, with another code than 0 and a line that says why", async () => {
    const load = await hangingUnderLoad("2s");
    const { code, tookMs } = await server!.end("SIGTERM");
    console.log(`stop: with a hanging database after ${Math.round(tookMs)} ms, code ${code}`);
    expect(tookMs).toBeLessThan(2_000 + paced(1_000));
    expect(code).toBe(1);
    expect(lastLines(server!)).toMatch(/WHISPR_STOP_TIMEOUT/);
    signalAll(stopped, "SIGCONT");
    expectStored(load, await contentsIn(postgres.url, load.conversationId));
  }, 180_000);

  test("ends at once at a second signal", async () => {
    await hangingUnderLoad("60s");
    const { pid } = server!;
    process.kill(pid, "SIGTERM");
    await eventually("the first signal to be taken", () => server!.output().includes("stopping"));
    await Bun.sleep(sameSignalMs + 100);
    const { code, tookMs } = await server!.end("SIGTERM");
    expect({ code, quick: tookMs < paced(1_000) }).toEqual({ code: 128 + 15, quick: true });
  }, 180_000);

  test("says so too when it is only the commits that hang", async () => {
    server = await start({
      DATABASE_URL: postgres.url,
      WHISPR_AUTO_MIGRATE: "1",
      WHISPR_STOP_TIMEOUT: "2s",
      DB_STATEMENT_TIMEOUT: "30s",
    });
    await Load.on(server);
    await using _lock = await holdLock(postgres.url, "conversation_heads");
    await eventually("the commits to hang", () => isAwaited(postgres.url, "conversation_heads"));
    const { code, tookMs } = await server.end("SIGTERM");
    expect({ code, inTime: tookMs < 2_000 + paced(1_000) }).toEqual({ code: 1, inTime: true });
    expect(lastLines(server)).toMatch(/WHISPR_STOP_TIMEOUT/);
  }, 180_000);

  /** Under load, with every process of PostgreSQL stopped (SIGSTOP) while commands are under way. */
  async function hangingUnderLoad(stopTimeout: string): Promise<Load> {
    server = await start({
      DATABASE_URL: postgres.url,
      WHISPR_AUTO_MIGRATE: "1",
      WHISPR_STOP_TIMEOUT: stopTimeout,
    });
    const load = await Load.on(server);
    stopped = await postgresBehind(postgres.url);
    expect(stopped.length).toBeGreaterThan(3);
    signalAll(stopped, "SIGSTOP");
    await eventually("everything to hang", async () => {
      const before = load.acknowledged;
      await Bun.sleep(100);
      return load.acknowledged === before;
    });
    return load;
  }
});

test("I12: the embedded PostgreSQL does not outlive a stop in which it hangs", async () => {
  server = await start({ WHISPR_DATA_DIR: join(directory, "data"), WHISPR_STOP_TIMEOUT: "2s" });
  await Load.on(server);
  const postgres = familyOf(server.pid).slice(1);
  expect(postgres.length).toBeGreaterThan(3);
  signalAll(postgres, "SIGSTOP");
  const { code, tookMs } = await server.end("SIGTERM");
  console.log(`stop: with a hanging embedded database after ${Math.round(tookMs)} ms, code ${code}`);
  expect(code).toBe(1);
  expect(tookMs).toBeLessThan(2_000 + paced(3_000));
  await eventually("nothing to be left", () => !postgres.some(isAlive));
}, 180_000);

/** Two stock clients that send without a pause, and sockets that only listen. */
class Load {
  readonly conversationId: string;
  readonly token: string;
  readonly #clients: readonly StockClient[];
  readonly #idle: readonly FrameSocket[];

  private constructor(parts: {
    conversationId: string;
    token: string;
    clients: readonly StockClient[];
    idle: readonly FrameSocket[];
  }) {
    this.conversationId = parts.conversationId;
    this.token = parts.token;
    this.#clients = parts.clients;
    this.#idle = parts.idle;
  }

  static async on({ url }: ServerProcess): Promise<Load> {
    const userIds = [newId(), newId()] as const;
    const tokens = await Promise.all(userIds.map((userId) => keys.token(userId)));
    const token = tokens[0]!;
    const conversationId = await new RestClient({ url, token }).createDirect(userIds[1]);
    const clients = userIds.map(
      (userId, n) => new StockClient({ url, token: tokens[n]!, userId, conversationId }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    const idle = await Promise.all(
      Array.from({ length: idleSockets }, () => FrameSocket.open({ url, token })),
    );
    for (const client of clients) client.start(60);
    const load = new Load({ conversationId, token, clients, idle });
    await eventually("the load to run", () => load.acknowledged > 500);
    return load;
  }

  get acknowledged(): number {
    return this.#clients.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  get contents(): readonly string[] {
    return this.#clients.flatMap(({ acknowledged }) => [...acknowledged.keys()]);
  }

  /** Not ready before the first socket is told, every socket told 1012, no process left, all of it in time and with code 0. */
  async endsWellWith(signal: "SIGTERM" | "SIGINT", { url, pid, end, output }: ServerProcess): Promise<void> {
    const family = familyOf(pid);
    const probes = await Probes.of(`${url}/ready`);
    let firstToldMs = 0;
    for (const socket of this.#idle) {
      socket.onClose = () => {
        firstToldMs ||= performance.now();
      };
    }
    const { code, tookMs } = await end(signal);
    await eventually("every socket to be closed", () =>
      this.#idle.every(({ closeCode }) => closeCode !== null),
    );
    const lastReadyMs = await probes.stop();
    for (const client of this.#clients) client.close();

    console.log(
      `stop: ${signal} under load after ${Math.round(tookMs)} ms, ${this.acknowledged} acknowledged`,
    );
    expect({ code, output: code === 0 ? "" : output().slice(-3_000) }).toEqual({ code: 0, output: "" });
    expect(tookMs).toBeLessThan(paced(5_000));
    expect(new Set(this.#idle.map(({ closeCode }) => closeCode))).toEqual(new Set([1012]));
    expect(lastReadyMs).toBeGreaterThan(0);
    expect(lastReadyMs).toBeLessThan(firstToldMs);
    expect(family.filter(isAlive)).toEqual([]);
  }
}

/** Asks again and again, each time on a new connection. */
class Probes {
  #lastReadyMs = 0;
  #over = false;
  readonly #done: Promise<void>;

  private constructor(url: string) {
    this.#done = this.#ask(url);
  }

  /** The first one was answered with 200. */
  static async of(url: string): Promise<Probes> {
    const probes = new Probes(url);
    await eventually("the first probe", () => probes.#lastReadyMs > 0);
    return probes;
  }

  /** When the last request that was answered with 200 was sent. */
  async stop(): Promise<number> {
    this.#over = true;
    await this.#done;
    return this.#lastReadyMs;
  }

  async #ask(url: string): Promise<void> {
    while (!this.#over) {
      const sentMs = performance.now();
      const response = await fetch(url, { headers: { connection: "close" } }).catch(() => null);
      if (response?.ok) this.#lastReadyMs = sentMs;
      await Bun.sleep(1);
    }
  }
}

async function start(environment: Record<string, string>): Promise<ServerProcess> {
  const all = { JWT_PUBLIC_KEYS_FILE: keys.jwksFile, ...environment };
  return startServer({ arguments: ["serve"], environment: all, port: await freePort() });
}

/** Nobody else reads or writes the table until it is disposed of. */
async function holdLock(url: string, table: string): Promise<AsyncDisposable> {
  const client = await outsideClient(url);
  await client.query(`begin; lock table ${table} in access exclusive mode`);
  return { [Symbol.asyncDispose]: () => client.end() };
}

async function isAwaited(url: string, table: string): Promise<boolean> {
  const client = await outsideClient(url);
  const { rowCount } = await client.query(
    "select from pg_locks where not granted and relation = $1::regclass",
    [table],
  );
  await client.end();
  return rowCount! > 0;
}

function lastLines(from: ServerProcess): string {
  return from.output().split("\n").slice(-8).join("\n");
}

async function contentsIn(url: string, conversationId: string): Promise<{ content: string; seq: number }[]> {
  const client = await outsideClient(url);
  const { rows } = await client.query(
    "select convert_from(content, 'UTF8') as content, seq::int from messages where conversation_id = $1 order by seq",
    [conversationId],
  );
  await client.end();
  return rows;
}

function expectStored(load: Load, log: readonly { content: string; seq: number }[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const stored = new Set(log.map(({ content }) => content));
  expect(stored.size).toBe(log.length);
  expect(load.contents.filter((content) => !stored.has(content))).toEqual([]);
}
