import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { Random } from "../testing/builders/random.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import type { Device } from "../testing/clients/device.ts";
import type { KeptMessage } from "../testing/clients/device-types.ts";
import { createGroup, Person } from "../testing/clients/people.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { eventually, reaches } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/**
 * Nothing lost, nothing twice, on the executable: everybody sends, again and again under the same `client_random`; devices are cut off,
 * frozen, away, and restored from weeks ago; the server is killed.
 */

const senders = 50;
const messagesEach = 200;
const groups = 8;
const groupSize = 15;
const directs = 30;
const kills = 3;
const longestPauseMs = 160;

let keys: TestKeys;
let database: TestDatabase;
beforeAll(async () => {
  [keys, database] = await Promise.all([testKeys(), testDatabase()]);
}, 120_000);
afterAll(async () => {
  await database.close();
  keys.dispose();
}, 120_000);

describe("50 senders with several devices each, through disconnections, frozen devices and kills of the server", () => {
  test("end with one log on every device: no hole, no reorder, nothing twice, nothing lost", async () => {
    const random = Random.announced("sync");
    const port = await freePort();
    const environment = {
      DATABASE_URL: database.url,
      WHISPR_AUTO_MIGRATE: "1",
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
    };
    const start = () => startServer({ arguments: ["serve"], environment, port });
    let server = await start();
    const world = await World.create(server.url, random);
    const startedMs = performance.now();

    const sending = world.send();
    const disturbing = world.disturb();
    for (let kill = 1; kill <= kills; kill++) {
      const share = (kill / (kills + 1)) * senders * messagesEach;
      await reaches("messages to flow", () => world.acknowledged, share);
      await server.end("SIGKILL");
      world.killed();
      server = await start();
    }
    await sending;
    world.calm();
    await disturbing;
    const tookMs = performance.now() - startedMs;
    await world.reunite();
    await world.judge();
    console.log(
      `sync: ${senders * messagesEach} messages in ${world.conversations.length} conversations to ${world.devices.length} devices ` +
        `in ${Math.round(tookMs / 1000)} s; ${world.report()}`,
    );
    await world.end();
    await stops(server);
  }, 900_000);
});

async function stops(server: ServerProcess): Promise<void> {
  expect((await server.end("SIGTERM")).code).toBe(0);
}

interface Conversation {
  readonly id: string;
  readonly members: readonly Sender[];
}

/** What was disturbed, and how often. */
type Disturbance = "cut" | "away" | "frozen" | "frozen and cut" | "weeks ago";

class World {
  readonly conversations: Conversation[] = [];
  readonly devices: Device[] = [];
  readonly #senders: readonly Sender[];
  readonly #random: Random;
  readonly #disturbed = new Map<Disturbance, number>();
  #isCalm = false;

  private constructor(people: readonly Sender[], random: Random) {
    this.#senders = people;
    this.#random = random;
  }

  static async create(url: string, random: Random): Promise<World> {
    const people = await Promise.all(Array.from({ length: senders }, () => Sender.create(url, random)));
    const world = new World(people, random);
    await world.#converse();
    for (const each of people) world.devices.push(...each.devices);
    await Promise.all(world.devices.map((device) => device.connect()));
    await Promise.all(people.map((each) => each.open()));
    return world;
  }

  async #converse(): Promise<void> {
    const everybody = this.#senders;
    for (let n = 0; n < groups; n++) {
      const members = sample(everybody, groupSize, this.#random);
      this.#add({ id: await createGroup(members.map(({ person }) => person)), members });
    }
    for (let n = 0; n < directs; n++) {
      const members = [everybody[n]!, everybody[(n + 1 + this.#random.below(10)) % senders]!];
      const id = await members[0]!.person.rest.createDirect(members[1]!.person.id);
      this.#add({ id, members });
    }
    for (const each of everybody) {
      if (each.conversations.length > 0) continue;
      const other = everybody[0]!;
      this.#add({ id: await each.person.rest.createDirect(other.person.id), members: [each, other] });
    }
  }

  #add(conversation: Conversation): void {
    if (this.conversations.some(({ id }) => id === conversation.id)) return;
    this.conversations.push(conversation);
    for (const member of conversation.members) member.conversations.push(conversation.id);
  }

  get acknowledged(): number {
    return this.#senders.reduce((sum, each) => sum + each.acknowledged.size, 0);
  }

  async send(): Promise<void> {
    await Promise.all(this.#senders.map((each) => each.sendAll()));
  }

  /** Each device by itself, until it is calm. */
  async disturb(): Promise<void> {
    await Promise.all(this.devices.map((device) => this.#disturbOne(device)));
  }

  async #disturbOne(device: Device): Promise<void> {
    while (!this.#isCalm) {
      await this.#pause(4_000);
      const what = this.#random.pick<Disturbance>(["cut", "away", "frozen", "frozen and cut", "weeks ago"]);
      this.#disturbed.set(what, (this.#disturbed.get(what) ?? 0) + 1);
      await this.#visit(device, what);
    }
  }

  async #visit(device: Device, what: Disturbance): Promise<void> {
    switch (what) {
      case "cut":
        return device.cut();
      case "away":
        await device.disconnect();
        await this.#pause(2_000);
        return device.socket.connect();
      case "frozen":
      case "frozen and cut":
        device.freeze();
        await this.#pause(4_000);
        return what === "frozen" ? device.thaw() : device.cut();
      case "weeks ago":
        await device.disconnect();
        await this.#pause(500);
        device.goBack((_, headSeq) => this.#random.below(headSeq + 1));
        return device.socket.connect();
    }
  }

  #pause(longestMs: number): Promise<void> {
    return Bun.sleep(this.#isCalm ? 0 : this.#random.fraction() * longestMs);
  }

  /** What devices proved to the server that was killed, it may not have saved. */
  killed(): void {
    for (const device of this.devices) device.serverKilled();
  }

  calm(): void {
    this.#isCalm = true;
  }

  /** Everybody comes back, and gets what is missing. */
  async reunite(): Promise<void> {
    const heads = await this.#heads();
    for (const each of this.#senders) {
      for (const device of each.devices) {
        device.socket.connect();
        await eventually(`the whole log on ${device.describe()}`, () =>
          each.conversations.every((id) => (device.log.get(id)?.size ?? 0) === heads.get(id)),
        );
      }
    }
  }

  async #heads(): Promise<ReadonlyMap<string, number>> {
    const logs = await this.#logs();
    return new Map([...logs].map(([id, log]) => [id, log.length]));
  }

  async #logs(): Promise<ReadonlyMap<string, readonly KeptMessage[]>> {
    const logs = new Map<string, readonly KeptMessage[]>();
    for (const { id, members } of this.conversations) {
      logs.set(id, (await members[0]!.person.rest.history(id)) as unknown as KeptMessage[]);
    }
    return logs;
  }

  async judge(): Promise<void> {
    const logs = await this.#logs();
    for (const log of logs.values()) {
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    }
    const total = [...logs.values()].reduce((sum, log) => sum + log.length, 0);
    expect(total).toBe(senders * messagesEach);
    expect(await storedKeys()).toEqual({ messages: total, keys: total });
    for (const each of this.#senders) {
      for (const { id, conversation_id, seq } of each.acknowledged.values()) {
        expect(logs.get(conversation_id)![seq - 1]?.id).toBe(id);
      }
      for (const device of each.devices) await this.#judgeDevice(device, each, logs);
    }
  }

  async #judgeDevice(
    device: Device,
    { conversations }: Sender,
    logs: ReadonlyMap<string, readonly KeptMessage[]>,
  ): Promise<void> {
    for (const id of conversations) {
      const log = logs.get(id)!.map(essence);
      // The last changes may still be on their way.
      await eventually("the last changes to come", () =>
        device.messages(id).every((message, index) => essence(message) === log[index]),
      );
      expect(device.messages(id).map(essence)).toEqual(log);
    }
    expect(device.violations).toEqual([]);
    expect(device.provedAgain).toBe(0);
  }

  report(): string {
    const disturbed = [...this.#disturbed].map(([what, times]) => `${times} ${what}`).join(", ");
    const tries = this.#senders.reduce((sum, each) => sum + each.tries, 0);
    const changes = this.#senders.reduce((sum, each) => sum + each.changes, 0);
    return `${tries} sends, ${changes} edits and deletions, ${disturbed}, ${kills} kills`;
  }

  async end(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.disconnect()));
  }
}

/** What must be the same everywhere. */
function essence({ id, seq, rev, content, is_deleted }: KeptMessage): string {
  return `${id} ${seq} ${rev} ${is_deleted} ${content}`;
}

/** One user: his phone writes, over its channels or over REST, and his other devices listen. */
class Sender {
  readonly person: Person;
  readonly devices: readonly Device[];
  readonly conversations: string[] = [];
  readonly acknowledged = new Map<number, KeptMessage>();
  tries = 0;
  changes = 0;
  readonly #random: Random;

  private constructor(person: Person, devices: readonly Device[], random: Random) {
    this.person = person;
    this.devices = devices;
    this.#random = random;
  }

  static async create(url: string, random: Random): Promise<Sender> {
    const id = newId();
    const place = { url, token: keys.token };
    // Of the phone, so that what it sends over REST is a repetition of what it sent over its channels.
    const rest = new RestClient({ url, token: await keys.token(id, { deviceId: "phone" }) });
    const person = new Person({ id, rest, place, devices: [] });
    const names = ["phone", "tablet", "desk"].slice(0, 2 + random.below(2));
    const options = { remembers: false, isComplete: true };
    const devices = await Promise.all(names.map((name) => person.device(name, options)));
    return new Sender(person, devices, random);
  }

  async open(): Promise<void> {
    await Promise.all(this.conversations.map((id) => this.devices[0]!.openConversation(id)));
  }

  /** In two lines at once. */
  async sendAll(): Promise<void> {
    const half = messagesEach / 2;
    await Promise.all([this.#sendFrom(0, half), this.#sendFrom(half, messagesEach)]);
  }

  async #sendFrom(first: number, end: number): Promise<void> {
    for (let clientRandom = first; clientRandom < end; clientRandom++) {
      const conversationId = this.#random.pick(this.conversations);
      await this.#send(conversationId, clientRandom);
      if (this.#random.chance(0.03)) await this.#change(this.acknowledged.get(clientRandom)!);
      await Bun.sleep(this.#random.fraction() * longestPauseMs);
    }
  }

  /** Sometimes twice at once, and until it is acknowledged. */
  async #send(conversationId: string, clientRandom: number): Promise<void> {
    const body = { content: `${this.person.id} ${clientRandom}`, client_random: clientRandom };
    while (!this.acknowledged.has(clientRandom)) {
      const copies = this.#random.chance(0.1) ? 2 : 1;
      const told = await Promise.all(Array.from({ length: copies }, () => this.#try(conversationId, body)));
      for (const message of told) if (message) this.#acknowledge(clientRandom, message);
    }
  }

  #acknowledge(clientRandom: number, message: KeptMessage): void {
    const known = this.acknowledged.get(clientRandom);
    if (known) expect(message.id).toBe(known.id);
    else this.acknowledged.set(clientRandom, message);
  }

  /** Null: it is not known what became of it. */
  async #try(conversationId: string, body: object): Promise<KeptMessage | null> {
    this.tries++;
    try {
      if (this.#random.chance(0.2)) return await this.#post(conversationId, body);
      const channel = this.devices[0]!.conversation(conversationId);
      return await new Promise((resolve) => {
        channel
          .push("new_message", body, 1_000)
          .receive("ok", ({ message }: { message: KeptMessage }) => resolve(message))
          .receive("error", () => setTimeout(() => resolve(null), 50))
          .receive("timeout", () => resolve(null));
      });
    } catch {
      await Bun.sleep(50);
      return null;
    }
  }

  async #post(conversationId: string, body: object): Promise<KeptMessage> {
    const answer = await this.person.rest.call("POST", `/conversations/${conversationId}/messages`, body);
    return (answer.body as { data: KeptMessage }).data;
  }

  /** An edit or a deletion, which may be lost with the server. */
  async #change({ id, conversation_id }: KeptMessage): Promise<void> {
    const path = `/messages/${id}?conversation_id=${conversation_id}`;
    const isEdit = this.#random.chance(0.7);
    this.changes++;
    try {
      if (isEdit) await this.person.rest.call("PUT", path, { content: `edited ${newId()}` });
      else await this.person.rest.call("DELETE", `${path}&delete_for_everyone=true`);
    } catch {
      // The server was gone: whether it was done is in the log.
    }
  }
}

function sample<T>(values: readonly T[], count: number, random: Random): T[] {
  const left = [...values];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0]!);
}

/** Messages, and how many of them have a sender and a `client_random` of their own. */
async function storedKeys(): Promise<unknown> {
  const client = await outsideClient(database.url);
  const { rows } = await client.query(
    "select count(*)::int as messages, count(distinct (sender_id, client_random))::int as keys from messages",
  );
  await client.end();
  return rows[0];
}
