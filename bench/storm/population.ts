import type { TestKeys } from "../../src/testing/builders/tokens.ts";
import type { Person } from "./stock-client.ts";

/** How many conversations each person has, and with how many. */
export interface Habits {
  /** Direct conversations: with neighbours in the list. */
  readonly directs: number;
  /** A group of each of these sizes. */
  readonly groups: readonly number[];
}

const requestsAtOnce = 16;

/**
 * Users with their conversations, created over REST as an app would. Each has a device, and a loopback address of their own: the server counts
 * handshakes by address, and the users of a real storm come from many.
 */
export class Population {
  readonly #url: string;
  readonly #keys: TestKeys;
  #addresses = 0;

  constructor(options: { readonly url: string; readonly keys: TestKeys }) {
    this.#url = options.url;
    this.#keys = options.keys;
  }

  async people(count: number, { directs, groups }: Habits): Promise<readonly Person[]> {
    const people = await Promise.all(Array.from({ length: count }, () => this.#person()));
    const circles: Person[][] = [];
    for (let step = 1; step <= directs; step++) circles.push(...pairs(people, step));
    for (const size of groups) circles.push(...chunks(people, size));
    await inParallel(circles, requestsAtOnce, async (circle) => {
      const id = await this.#conversationOf(circle);
      for (const { topics } of circle) (topics as string[]).push(`conversation:${id}`);
    });
    return people;
  }

  async #person(): Promise<Person> {
    const userId = crypto.randomUUID();
    const token = await this.#keys.token(userId, { deviceId: "phone" });
    return { userId, token, from: addressOf(this.#addresses++), topics: [`user:${userId}`] };
  }

  async #conversationOf([creator, ...others]: readonly Person[]): Promise<string> {
    const [other] = others;
    const body =
      others.length === 1
        ? { type: "direct", other_user_id: other!.userId }
        : { type: "group", name: "Storm", user_ids: others.map(({ userId }) => userId) };
    const response = await fetch(`${this.#url}/api/v1/conversations`, {
      method: "POST",
      headers: { authorization: `Bearer ${creator!.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { readonly data?: { readonly id: string } };
    if (!answer.data) throw new Error(`no conversation: ${response.status} ${JSON.stringify(answer)}`);
    return answer.data.id;
  }
}

/** 127.0.1.0 and on: all of 127.0.0.0/8 is this machine. */
function addressOf(index: number): string {
  const number = 256 + index;
  return `127.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
}

/** Everybody once, those of the first half with those of the second; another step makes other pairs. */
function pairs(people: readonly Person[], step: number): Person[][] {
  const half = people.length >> 1;
  return Array.from({ length: half }, (_, index) => [
    people[index]!,
    people[half + ((index + step) % half)]!,
  ]);
}

function chunks(people: readonly Person[], size: number): Person[][] {
  const found: Person[][] = [];
  for (let from = 0; from + 3 <= people.length; from += size) found.push(people.slice(from, from + size));
  return found;
}

async function inParallel<T>(
  items: readonly T[],
  most: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await act(items[next++]!);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
