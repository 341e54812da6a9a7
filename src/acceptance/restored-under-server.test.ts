import { afterAll, beforeAll, expect, test } from "bun:test";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import type { Device } from "../testing/clients/device.ts";
import { createGroup, People, type Person } from "../testing/clients/people.ts";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** The database is put back to an earlier point while the server runs and devices are connected. On real processes. */

const rounds = Number(process.env.WHISPR_TEST_ROUNDS ?? 1);

let keys: TestKeys;
let database: TestDatabase;
let server: ServerProcess;
let people: People;

beforeAll(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
  const environment = {
    DATABASE_URL: database.url,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
  };
  server = await startServer({ arguments: ["serve"], environment, port: await freePort() });
  people = new People({ url: server.url, token: keys.token });
}, 180_000);
afterAll(async () => {
  await people.disconnect();
  await server.end("SIGTERM");
  await asOperator((sql) => sql(`drop database if exists ${nameOf()}_backup`));
  await database.close();
  keys.dispose();
}, 180_000);

function nameOf(): string {
  return new URL(database.url).pathname.slice(1);
}

/** On the server's own database, so that the product's can be dropped. */
async function asOperator(
  work: (sql: (text: string) => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  const url = new URL(database.url);
  url.pathname = "/postgres";
  const client = await outsideClient(url.href);
  try {
    await work((text) => client.query(text));
  } finally {
    await client.end();
  }
}

/** Makes `to` a copy of `from`, which nobody may use meanwhile. */
async function copy(from: string, to: string): Promise<void> {
  await asOperator(async (sql) => {
    await sql(`drop database if exists ${to} with (force)`);
    await sql(`alter database ${from} allow_connections false`);
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${from}'`);
    await sql(`create database ${to} template ${from}`);
    await sql(`alter database ${from} allow_connections true`);
  });
}

interface World {
  readonly alice: Person;
  readonly bob: Person;
  readonly conversationId: string;
  readonly devices: readonly Device[];
}

async function aGroup(): Promise<World> {
  const [alice, bob] = (await people.many(2)) as [Person, Person];
  const conversationId = await createGroup([alice, bob]);
  const devices = [await bob.inside(conversationId, "phone"), await bob.online("tablet")];
  return { alice, bob, conversationId, devices };
}

async function post({ alice, conversationId }: World, text: string): Promise<void> {
  const path = `/conversations/${conversationId}/messages`;
  await eventually(
    "a message to be taken",
    () => alice.rest.call("POST", path, { content: text }).then(isTrue, isFalse),
    120_000,
  );
}

/** By device; those that follow are handshakes that a server refuses while it cannot serve. */
function firstClosesOf(devices: readonly Device[]): ReadonlyMap<Device, number> {
  const closes = new Map<Device, number>();
  for (const device of devices)
    device.socket.onClose(({ code }) => {
      if (!closes.has(device)) closes.set(device, code);
    });
  return closes;
}

const isTrue = () => true;
const isFalse = () => false;

/** What a device must do when it is told that it cannot resume. */
async function readAfresh({ bob, conversationId }: World, device: Device): Promise<void> {
  await eventually(
    "the device to be told that it cannot resume",
    () => device.joined?.resumed === false,
    120_000,
  );
  await device.readAfresh(conversationId, bob.rest);
}

test(
  "E3 I5: every open socket is closed, devices are told to read afresh, and each ends with the restored log",
  async () => {
    const world = await aGroup();
    const { devices, conversationId } = world;
    for (let round = 1; round <= rounds; round++) {
      for (const text of ["one", "two"]) await post(world, `${round} before: ${text}`);
      await copy(nameOf(), `${nameOf()}_backup`);
      for (const text of ["three", "four", "five"]) await post(world, `${round} lost: ${text}`);
      const lost = (text: string) => text === `${round} lost: five`;
      await eventually(
        "the devices to have what will be lost",
        () => devices.every((device) => lost(device.contents(conversationId).at(-1)!)),
        120_000,
      );
      for (const device of devices) await device.proves();

      for (const device of devices) device.forgetProofs();
      const closes = firstClosesOf(devices);
      await copy(`${nameOf()}_backup`, nameOf());
      await eventually("the sockets to be closed", () => closes.size === devices.length, 30_000);
      expect([...closes.values()]).toEqual(devices.map(() => 1012));
      await post(world, `${round} after`);
      for (const device of devices) await readAfresh(world, device);
      await post(world, `${round} live`);
      const log = await world.bob.rest.history(conversationId);
      expect(log.filter(({ content }) => content.includes("lost"))).toEqual([]);
      await eventually(
        "the devices to hear of the last message",
        () => devices.every((device) => device.contents(conversationId).at(-1) === `${round} live`),
        120_000,
      );
      for (const device of devices) {
        expect(device.contents(conversationId)).toEqual(log.map(({ content }) => content));
        expect(device.messages(conversationId).map(({ id }) => id)).toEqual(log.map(({ id }) => id));
      }
    }
    expect(server.output()).toContain("store_history_changed");
    expect(server.output()).toContain("sockets_closed_new_history");
  },
  60_000 + rounds * 30_000,
);
