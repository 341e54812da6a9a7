import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Random } from "../testing/builders/random.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import type { Device } from "../testing/clients/device.ts";
import { createGroup, People, type Person } from "../testing/clients/people.ts";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { databaseLink } from "../testing/processes/database-link.ts";
import { Front } from "../testing/processes/front.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/**
 * Two processes on one database, one of which is stopped or cut off, while devices are connected: nobody is left with an open socket that hears
 * nothing, and nobody is answered from a memory that is overtaken. `WHISPR_TEST_ROUNDS` moves the ownership more often.
 */

const rounds = Number(process.env.WHISPR_TEST_ROUNDS ?? 1);

let keys: TestKeys;
let database: TestDatabase;
let front: Front;
let people: People;
const running: ServerProcess[] = [];

beforeEach(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
}, 120_000);
afterEach(async () => {
  await people.disconnect();
  front.close();
  for (const server of running.splice(0)) await server.end("SIGKILL");
  await database.close();
  keys.dispose();
}, 180_000);

async function serve(databaseUrl: string, waitFor: "ready" | "live"): Promise<ServerProcess> {
  const environment = {
    DATABASE_URL: databaseUrl,
    WHISPR_AUTO_MIGRATE: "1",
    JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    WHISPR_COMMAND_DEADLINE: "2s",
  };
  const server = await startServer({ arguments: ["serve"], environment, port: await freePort(), waitFor });
  running.push(server);
  return server;
}

function portOf({ url }: ServerProcess): number {
  return Number(new URL(url).port);
}

async function isReady({ url }: ServerProcess): Promise<boolean> {
  return (await fetch(`${url}/ready`)).ok;
}

/** The status of a handshake without a token, which is refused in any case. */
async function handshake({ url }: ServerProcess): Promise<number> {
  return (await fetch(`${url}/socket/websocket?vsn=2.0.0`)).status;
}

/** Straight to one process: a connection through the front may lead to one that is stopped. */
async function call(server: ServerProcess, person: Person, path: string, body: object) {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${await keys.token(person.id)}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { error } = (await response.json()) as { error?: string };
  return error ?? "ok";
}

function postAt(server: ServerProcess, person: Person, conversationId: string): Promise<string> {
  return call(server, person, `/conversations/${conversationId}/messages`, { content: "from the outside" });
}

/** As an operator, or a network that forgot the connection. */
async function endOwnersSession(): Promise<void> {
  const client = await outsideClient(database.url);
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'whispr-msg owner' and datname = current_database() and pid in (select pid from pg_locks where locktype = 'advisory' and granted)",
  );
  await client.end();
}

async function deliveredTo(conversationId: string, userId: string): Promise<number> {
  const client = await outsideClient(database.url);
  const { rows } = await client.query(
    "select delivered_seq from conversation_members where conversation_id = $1 and user_id = $2",
    [conversationId, userId],
  );
  await client.end();
  return Number(rows[0].delivered_seq);
}

interface World {
  readonly alice: Person;
  readonly bob: Person;
  readonly conversationId: string;
  readonly devices: readonly Device[];
  readonly contents: string[];
}

/** Alice writes to a group with Bob, who has a phone and a tablet on the topic of his user, and a web page on the conversation's alone. */
async function aGroup(): Promise<World> {
  people = new People({ url: front.url, token: keys.token });
  const [alice, bob] = (await people.many(2)) as [Person, Person];
  const conversationId = await createGroup([alice, bob]);
  const devices = [await bob.inside(conversationId, "phone"), await bob.online("tablet")];
  const page = await bob.device("web");
  await page.open();
  await page.openConversation(conversationId);
  return { alice, bob, conversationId, devices: [...devices, page], contents: [] };
}

async function post(server: ServerProcess, { alice, conversationId, contents }: World, text: string) {
  const path = `/conversations/${conversationId}/messages`;
  expect(await call(server, alice, path, { content: text })).toBe("ok");
  contents.push(text);
}

async function add(server: ServerProcess, { alice, conversationId }: World, member: Person): Promise<void> {
  const path = `/conversations/${conversationId}/members`;
  expect(await call(server, alice, path, { user_id: member.id })).toBe("ok");
}

function closesOf({ devices }: World): readonly number[] {
  const closes: number[] = [];
  for (const { socket } of devices) socket.onClose(({ code }) => void closes.push(code));
  return closes;
}

/** Those on the topic of their user have the whole log; all of them are connected to where it lives. */
async function everybodyHears(server: ServerProcess, world: World): Promise<void> {
  const { conversationId, devices, contents } = world;
  await post(server, world, `after ${contents.length}`);
  const has = (device: Device) => device.contents(conversationId);
  await eventually(
    "everybody to hear of it",
    () => devices.every((each) => has(each).at(-1) === contents.at(-1)),
    120_000,
  );
  // The conversation's topic may be live before the backlog of the user's topic is there.
  const isWhole = (device: Device) => has(device).length >= contents.length;
  await eventually("the backlog to come", () => devices.slice(0, 2).every(isWhole));
  for (const device of devices.slice(0, 2)) expect(has(device)).toEqual(contents);
  for (const device of devices) expect(device.violations).toEqual([]);
}

describe("E2: an owner that is stopped while another process takes over", () => {
  test(
    "closes its sockets with 1012 when it wakes, refuses handshakes, and answers nobody from its memory",
    async () => {
      let [owner, standby] = [await serve(database.url, "ready"), await serve(database.url, "live")];
      front = await Front.listen(portOf(owner));
      const world = await aGroup();
      const random = Random.announced("ownership moves");
      expect(await handshake(standby)).toBe(503);
      for (let round = 0; round < rounds; round++) {
        await everybodyHears(owner, world);
        const heard = world.contents.length;
        const closes = closesOf(world);
        process.kill(owner.pid, "SIGSTOP");
        await endOwnersSession();
        await eventually("the standby to be ready", () => isReady(standby));
        front.target = portOf(standby);
        for (let n = random.below(4); n > 0; n--) await post(standby, world, `unheard ${round} ${n}`);
        const newcomer = await people.one();
        await add(standby, world, newcomer);
        await Bun.sleep(random.pick([0, 500, 4_000]));
        expect(await deliveredTo(world.conversationId, world.bob.id)).toBeLessThanOrEqual(heard);
        process.kill(owner.pid, "SIGCONT");
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => postAt(owner, newcomer, world.conversationId)),
        );
        expect(new Set(answers)).toEqual(new Set(["unavailable"]));
        await eventually("the sockets to be closed", () => closes.length >= world.devices.length);
        expect(closes.slice(0, world.devices.length)).toEqual(world.devices.map(() => 1012));
        expect(await handshake(owner)).toBe(503);
        await eventually("the devices to come back", () =>
          world.devices.every(({ socket }) => socket.isConnected()),
        );
        expect(await postAt(standby, newcomer, world.conversationId)).toBe("ok");
        world.contents.push("from the outside");
        await everybodyHears(standby, world);
        [owner, standby] = [standby, owner];
      }
    },
    300_000 + rounds * 60_000,
  );
});

describe("E11: an owner that is cut off from the database by something that keeps the connections open", () => {
  test(
    "is not ready within seconds, says `unavailable` to everybody, closes its sockets, and another one takes over",
    async () => {
      let [linkOfOwner, linkOfStandby] = [await databaseLink(database.url), await databaseLink(database.url)];
      let [owner, standby] = [await serve(linkOfOwner.url, "ready"), await serve(linkOfStandby.url, "live")];
      front = await Front.listen(portOf(owner));
      const world = await aGroup();
      const random = Random.announced("an owner that is cut off");
      for (let round = 0; round < rounds; round++) {
        await everybodyHears(owner, world);
        const newcomer = await people.one();
        expect(await postAt(owner, newcomer, world.conversationId)).toBe("not_found");
        const closes = closesOf(world);
        linkOfOwner.cut();
        const cutMs = performance.now();
        await Bun.sleep(random.pick([0, 200, 1_000]));
        const asStranger = postAt(owner, newcomer, world.conversationId);
        await eventually("the owner not to be ready", async () => !(await isReady(owner)));
        expect(performance.now() - cutMs).toBeLessThan(15_000);
        expect(await asStranger).toBe("unavailable");
        await eventually("the standby to be ready", () => isReady(standby));
        front.target = portOf(standby);
        await add(standby, world, newcomer);
        for (const person of [newcomer, world.bob])
          expect(await postAt(owner, person, world.conversationId)).toBe("unavailable");
        await eventually("the sockets to be closed", () => closes.length >= world.devices.length);
        expect(closes.slice(0, world.devices.length)).toEqual(world.devices.map(() => 1012));
        expect(await postAt(standby, newcomer, world.conversationId)).toBe("ok");
        world.contents.push("from the outside");
        await everybodyHears(standby, world);
        linkOfOwner.heal();
        await eventually("the other one to stand by", () => standsBy(owner), 60_000);
        [owner, standby] = [standby, owner];
        [linkOfOwner, linkOfStandby] = [linkOfStandby, linkOfOwner];
      }
      for (const event of ["ownership_lost", "ownership_waiting", "sockets_closed_without_ownership"])
        expect(standby.output()).toContain(event);
      await Promise.all([linkOfOwner.close(), linkOfStandby.close()]);
    },
    300_000 + rounds * 60_000,
  );
});

async function standsBy({ url }: ServerProcess): Promise<boolean> {
  const { reason = "" } = (await (await fetch(`${url}/ready`)).json()) as { reason?: string };
  return reason.includes("stands by");
}
