import type { TestKeys } from "../../src/testing/builders/tokens.ts";
import { RestClient } from "../../src/testing/clients/rest-client.ts";
import { Device } from "./device.ts";
import { HttpConnection } from "./http-connection.ts";
import { controlCharacters, fatMessage, largeMetadata } from "./inputs.ts";

/** What a group may hold, without the few places that the rows about members need. */
const membersOfRoom = 940;
const reactionsOfFat = 1_000;
const conversationsOfCollector = 500;

/** A user with their token. */
export interface Someone {
  readonly userId: string;
  readonly token: string;
}

/** A group of about 1,000 members whose metadata are as long as allowed. Those who listen have joined its topic and their own. */
export interface LargeGroup {
  readonly id: string;
  readonly topic: string;
  readonly listeners: readonly Device[];
  readonly member: Someone;
  /** A member who is not connected, and is in this group alone. */
  readonly passerby: Someone;
  /** The owner's socket, joined to the topic. */
  readonly asker: Device;
  /** A message that the owner changes: as large as allowed in the quiet room, small in the hall. */
  readonly target: string;
}

/** The users and conversations that worst inputs are about. All belong to one server. */
export class World {
  readonly http: HttpConnection;
  readonly url: string;
  readonly #keys: TestKeys;
  #addresses = 0;
  /** Asks in every row that names nobody else. */
  owner!: Someone;
  peer!: Someone;
  /** Is in 500 conversations, 100 of them as large as they may be. */
  collector!: Someone;
  /** A direct conversation of the owner and the peer with 200 messages, each as long as JSON makes it. */
  heavy!: string;
  /** Sent by the owner into `heavy` under this key. */
  readonly heavyKey = 7;
  /** The group that all listen to in small number, and the one where everybody does. */
  quiet!: LargeGroup;
  hall!: LargeGroup;
  /** In 500 conversations of their own, and online only in the row about that. */
  visitor!: Someone;
  /** Sockets: of the owner and the peer on their own topics, of the collector, of a member of both rooms that joins, and one that may be closed. */
  ownerDevice!: Device;
  peerDevice!: Device;
  collecting!: Device;
  joiner!: Device;
  scratch!: Device;
  generation = 0;

  constructor(options: { readonly url: string; readonly keys: TestKeys }) {
    this.url = options.url;
    this.#keys = options.keys;
    this.http = new HttpConnection(options.url);
  }

  async build(say: (text: string) => void): Promise<void> {
    const made = await Promise.all(Array.from({ length: 5 }, () => this.someone()));
    const [owner, peer, collector, visitor, guest] = made as [Someone, Someone, Someone, Someone, Someone];
    Object.assign(this, { owner, peer, collector, visitor });
    say("a conversation of 200 long messages");
    this.heavy = await this.client(this.owner).createDirect(this.peer.userId);
    for (let index = 0; index < 200; index++)
      await this.send(this.owner, this.heavy, {
        content: controlCharacters(),
        client_random: this.heavyKey + index,
      });
    say("500 conversations of one user");
    await this.#collect();
    say("a group of which two listen");
    this.quiet = await this.#room(2, true, [guest]);
    say("a group of which all listen");
    this.hall = await this.#room(membersOfRoom, false, [guest]);
    await this.#connect(guest);
  }

  async someone(): Promise<Someone> {
    const userId = crypto.randomUUID();
    return { userId, token: await this.#keys.token(userId, { deviceId: "d" }) };
  }

  client(one: Someone): RestClient {
    return new RestClient({ url: this.url, token: one.token });
  }

  /** Another loopback address each: handshakes are counted by address. */
  device(one: Someone): Device {
    const number = 256 + this.#addresses++;
    const from = `127.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    return new Device({ url: this.url, token: one.token, from });
  }

  async send(one: Someone, conversationId: string, body: object): Promise<{ id: string; seq: number }> {
    const answer = await this.client(one).call("POST", `/conversations/${conversationId}/messages`, body);
    return (answer.body as { data: { id: string; seq: number } }).data;
  }

  async group(creator: Someone, userIds: readonly string[], metadata: object): Promise<string> {
    const body = { type: "group", name: "g", user_ids: userIds, metadata };
    const answer = await this.client(creator).call("POST", "/conversations", body);
    return (answer.body as { data: { id: string } }).data.id;
  }

  /** A new group with so many messages from the peer, which the owner has not read. */
  async unread(count: number): Promise<string> {
    const id = await this.group(this.peer, [this.owner.userId], {});
    await this.peerDevice.join(`conversation:${id}`);
    for (let index = 0; index < count; index++)
      await this.peerDevice.push(`conversation:${id}`, "new_message", `{"content":"x"}`);
    await this.peerDevice.push(`conversation:${id}`, "phx_leave", "{}");
    return id;
  }

  memberOf({ listeners }: LargeGroup): Device {
    return listeners[0]!;
  }

  /** Every socket that was closed is opened again. */
  async reopen(): Promise<void> {
    const all = [this.quiet, this.hall].flatMap(({ listeners, asker }) => [asker, ...listeners]);
    for (const each of [...all, this.ownerDevice, this.peerDevice, this.collecting, this.joiner])
      await each.reopened();
  }

  async #connect(guest: Someone): Promise<void> {
    const { owner, collector, visitor, quiet, hall } = this;
    this.ownerDevice = await this.device(owner).connect([`user:${owner.userId}`]);
    this.peerDevice = await this.device(this.peer).connect([`user:${this.peer.userId}`]);
    this.collecting = await this.device(collector).connect([`user:${collector.userId}`]);
    this.joiner = await this.device(guest).connect([`user:${guest.userId}`, quiet.topic, hall.topic]);
    this.scratch = this.device(owner);
    await this.scratch.connect([`user:${owner.userId}`, quiet.topic]);
    for (let index = 0; index < conversationsOfCollector; index++)
      await this.group(visitor, [crypto.randomUUID()], {});
    const answer = await this.client(owner).call("GET", `/conversations/${this.heavy}/changes?limit=1`);
    this.generation = (answer.body as { meta: { generation: number } }).meta.generation;
  }

  async #collect(): Promise<void> {
    const { collector } = this;
    for (let index = 0; index < conversationsOfCollector; index++) {
      const isLarge = index >= conversationsOfCollector - 100;
      const others = Array.from({ length: isLarge ? membersOfRoom : 2 }, () => crypto.randomUUID());
      const id = await this.group(collector, others, isLarge ? largeMetadata() : {});
      if (isLarge) await this.send(collector, id, { content: controlCharacters() });
    }
  }

  async #room(listening: number, isFat: boolean, guests: readonly Someone[]): Promise<LargeGroup> {
    const { owner } = this;
    const members = await Promise.all(Array.from({ length: membersOfRoom }, () => this.someone()));
    const passerby = await this.someone();
    const id = await this.group(
      owner,
      [...members, ...guests, passerby].map(({ userId }) => userId),
      largeMetadata(),
    );
    const topic = `conversation:${id}`;
    const { id: target } = await this.send(owner, id, isFat ? fatMessage() : { content: "small" });
    if (isFat) await this.#react(members, target, id);
    const asker = await this.device(owner).connect([topic, `user:${owner.userId}`]);
    const listeners: Device[] = [];
    for (const one of members.slice(0, listening))
      listeners.push(await this.device(one).connect([`user:${one.userId}`, topic]));
    return { id, topic, listeners, member: members[0]!, passerby, asker, target };
  }

  /** Each of 50 members gives 20 of the longest. */
  async #react(members: readonly Someone[], messageId: string, conversationId: string): Promise<void> {
    for (let index = 0; index < reactionsOfFat; index++) {
      const reaction = `${"\u{1F600}".repeat(2)}${index}`;
      const client = this.client(members[Math.floor(index / 20)]!);
      await client.call("POST", `/messages/${messageId}/reactions`, {
        reaction,
        conversation_id: conversationId,
      });
    }
  }
}
