import { newId } from "../../system.ts";
import { Device } from "./device.ts";
import type { DeviceOptions } from "./device-types.ts";
import { RestClient } from "./rest-client.ts";

/** Where people are: a server, and who signs its tokens. */
export interface Place {
  readonly url: string;
  token(userId: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

export class Person {
  readonly id: string;
  readonly rest: RestClient;
  readonly #place: Place;
  readonly #devices: Device[];

  constructor(options: {
    readonly id: string;
    readonly rest: RestClient;
    readonly place: Place;
    readonly devices: Device[];
  }) {
    this.id = options.id;
    this.rest = options.rest;
    this.#place = options.place;
    this.#devices = options.devices;
  }

  /** A device without a socket. The same name is the same device to the server; null: it has none there. */
  async device(
    name: string | null = "phone",
    options: Pick<DeviceOptions, "remembers" | "isComplete"> = {},
  ): Promise<Device> {
    const token = await this.#place.token(this.id, name === null ? {} : { deviceId: name });
    const device = new Device({ url: this.#place.url, token, userId: this.id, ...options });
    this.#devices.push(device);
    return device;
  }

  /** On the topic of the user. */
  async online(name = "phone"): Promise<Device> {
    const device = await this.device(name);
    await device.connect();
    return device;
  }

  /** On the topic of the user, with conversations open. */
  async inside(conversationIds: string | readonly string[], name = "phone"): Promise<Device> {
    const device = await this.online(name);
    for (const conversationId of [conversationIds].flat()) await device.openConversation(conversationId);
    return device;
  }
}

/** Users with their devices, whose sockets end together. */
export class People {
  readonly #place: Place;
  readonly #devices: Device[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  async one(): Promise<Person> {
    const id = newId();
    const rest = new RestClient({ url: this.#place.url, token: await this.#place.token(id) });
    return new Person({ id, rest, place: this.#place, devices: this.#devices });
  }

  many(count: number): Promise<Person[]> {
    return Promise.all(Array.from({ length: count }, () => this.one()));
  }

  /** Two with a direct conversation. */
  async pair(): Promise<{ alice: Person; bob: Person; conversationId: string }> {
    const [alice, bob] = (await this.many(2)) as [Person, Person];
    return { alice, bob, conversationId: await alice.rest.createDirect(bob.id) };
  }

  /** A group of new people; the first made it. */
  async group(size: number): Promise<{ people: Person[]; conversationId: string }> {
    const people = await this.many(size);
    return { people, conversationId: await createGroup(people) };
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.#devices.splice(0).map((device) => device.disconnect()));
  }
}

/** Made by the first of them. */
export async function createGroup(people: readonly Person[]): Promise<string> {
  const body = { type: "group", name: "friends", user_ids: people.map(({ id }) => id) };
  const created = await people[0]!.rest.call("POST", "/conversations", body);
  return (created.body as { data: { id: string } }).data.id;
}
