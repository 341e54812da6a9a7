import { afterAll, beforeAll, expect, test } from "bun:test";
import type pg from "pg";
import { newId } from "../system.ts";
import { Random } from "../testing/builders/random.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { DroppingDevice } from "../testing/clients/dropping-device.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** Devices join their topics again while reads are slow and messages arrive. On a real process and database. */

const pairs = Number(process.env.WHISPR_TEST_PAIRS ?? 20);
const stepsOfPair = 25;

let keys: TestKeys;
let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
  const environment = {
    DATABASE_URL: database.url,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
  };
  server = await startServer({ arguments: ["serve"], environment, port: await freePort() });
}, 180_000);
afterAll(async () => {
  await server.end("SIGTERM");
  await database.close();
  keys.dispose();
}, 120_000);

/** Makes every look-up of devices wait, again and again, until it is stopped. Posting waits for nothing. */
class SlowReads {
  readonly #random: Random;
  #stopped = false;
  #done: Promise<void>;

  constructor(random: Random) {
    this.#random = random;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    const client = await outsideClient(database.url);
    while (!this.#stopped) {
      await client.query("begin; lock table devices in access exclusive mode");
      await Bun.sleep(200 + this.#random.below(1_000));
      await client.query("commit");
      await Bun.sleep(this.#random.below(300));
    }
    await client.end();
  }
}

/** Alice posts over REST; Bob has two devices. */
class Pair {
  readonly #random: Random;
  readonly #alice: RestClient;
  readonly #bobId: string;
  readonly #conversationId: string;
  readonly devices: readonly DroppingDevice[];
  #posted = 0;

  private constructor(options: {
    readonly random: Random;
    readonly alice: RestClient;
    readonly bobId: string;
    readonly conversationId: string;
    readonly devices: readonly DroppingDevice[];
  }) {
    this.#random = options.random;
    this.#alice = options.alice;
    this.#bobId = options.bobId;
    this.#conversationId = options.conversationId;
    this.devices = options.devices;
  }

  static async of(random: Random): Promise<Pair> {
    const { url } = server;
    const [aliceId, bobId] = [newId(), newId()];
    const alice = new RestClient({ url, token: await keys.token(aliceId) });
    const conversationId = await alice.createDirect(bobId);
    const tokens = await Promise.all(["phone", "tablet"].map((deviceId) => keys.token(bobId, { deviceId })));
    const devices = tokens.map((token) => new DroppingDevice({ url, token, userId: bobId, conversationId }));
    for (const device of devices) await device.catchUp();
    return new Pair({ random, alice, bobId, conversationId, devices });
  }

  async act(): Promise<void> {
    for (let step = 0; step < stepsOfPair; step++) {
      await this.#act(this.#random.pick(this.devices));
      await Bun.sleep(this.#random.pick([0, 0, 10, 100, 400]));
    }
  }

  async #act(device: DroppingDevice): Promise<void> {
    const topic = this.#random.pick(["user", "user", "conversation"] as const);
    const roll = this.#random.fraction();
    if (roll < 0.45) return this.#post();
    if (roll < 0.8) return device.join(topic);
    if (roll < 0.9) return device.leave(topic);
    await device.connect();
    device.join(topic);
  }

  async #post(): Promise<void> {
    const content = `message ${++this.#posted}`;
    await this.#alice.call("POST", `/conversations/${this.#conversationId}/messages`, { content });
  }

  /** Nothing is marked as delivered that no socket of Bob's carried to a device that listened. */
  async judgeMarks(sql: pg.Client): Promise<void> {
    const { rows } = await sql.query<{ delivered: string }>(
      "select delivered_seq as delivered from conversation_members where conversation_id = $1 and user_id = $2",
      [this.#conversationId, this.#bobId],
    );
    const kept = Math.max(...this.devices.map(({ keptSeq }) => keptSeq));
    expect(Number(rows[0]!.delivered)).toBeLessThanOrEqual(kept);
  }

  async judgeTheEnd(): Promise<void> {
    const log = (await this.#alice.history(this.#conversationId)).map(({ content }) => content);
    expect(log.length).toBe(this.#posted);
    for (const device of this.devices) {
      await device.catchUp();
      expect(device.contents).toEqual(log);
      expect(device.violations).toEqual([]);
      device.cut();
    }
  }
}

test("I5 I7 E1: whatever a device joins again or leaves while messages arrive, it ends with the log, and nothing counts as delivered that it dropped", async () => {
  const random = Random.announced("rejoin");
  const all = await Promise.all(
    Array.from({ length: pairs }, () => Pair.of(new Random(random.below(2 ** 32)))),
  );
  const sql = await outsideClient(database.url);
  const slowness = new SlowReads(random);
  await Promise.all(all.map((pair) => pair.act()));
  for (const pair of all) await pair.judgeMarks(sql);
  await slowness.stop();
  for (const pair of all) await pair.judgeMarks(sql);
  await Promise.all(all.map((pair) => pair.judgeTheEnd()));
  await sql.end();
  expect(server.output()).not.toContain('"level":"error"');
}, 300_000);
