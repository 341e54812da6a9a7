import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Random } from "../testing/builders/random.ts";
import { VirtualClock } from "../testing/clock.ts";
import { eventually } from "../testing/eventually.ts";
import { Fixture } from "../testing/web/fixture.ts";
import type { Wire } from "../testing/web/wire.ts";

const numbered = (index: number) => `0192a7c0-0000-7000-9000-${String(index).padStart(12, "0")}`;
/** A diff is gathered for 300 ms, a leave waits for two seconds. */
const windowMs = 300;
const graceMs = 2_000;

let clock: VirtualClock;
let web: Fixture;
beforeEach(() => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
});
afterEach(async () => {
  expect(web.bugs).toEqual([]);
  await web.stop();
});

type Users = Readonly<Record<string, { readonly metas: readonly { readonly phx_ref: string }[] }>>;

/**
 * What an app sees that decodes presence as Dart's phoenix_socket does before 1.0 (`_decodeDiffFromPayload`): of each half of a diff only
 * the first user. By user, the refs of their connections.
 */
class DartPresence {
  readonly #users = new Map<string, ReadonlySet<string>>();

  constructor(frames: readonly (readonly [event: string, payload: unknown])[]) {
    for (const [event, payload] of frames) {
      if (event === "presence_state") this.#state(payload as Users);
      else this.#diff(payload as { readonly joins: Users; readonly leaves: Users });
    }
  }

  get users(): readonly string[] {
    return [...this.#users.keys()].sort();
  }

  #state(users: Users): void {
    this.#users.clear();
    for (const [userId, { metas }] of Object.entries(users)) this.#users.set(userId, refs(metas));
  }

  #diff({ joins, leaves }: { readonly joins: Users; readonly leaves: Users }): void {
    const [joined] = Object.entries(joins);
    if (joined) this.#users.set(joined[0], refs(joined[1].metas).union(this.#refsOf(joined[0])));
    const [left] = Object.entries(leaves);
    if (!left) return;
    const remaining = this.#refsOf(left[0]).difference(refs(left[1].metas));
    if (remaining.size > 0) this.#users.set(left[0], remaining);
    else this.#users.delete(left[0]);
  }

  #refsOf(userId: string): ReadonlySet<string> {
    return this.#users.get(userId) ?? new Set();
  }
}

function refs(metas: readonly { readonly phx_ref: string }[]): ReadonlySet<string> {
  return new Set(metas.map(({ phx_ref }) => phx_ref));
}

async function joined(userId: string, topic: string): Promise<Wire> {
  const wire = await web.socketOf(userId);
  expect((await wire.join(topic)).status).toBe("ok");
  return wire;
}

async function presenceAfter(ms: number, wire: Wire, topic: string) {
  await clock.runFor(ms);
  return wire.presence(topic);
}

describe("a presence_diff", () => {
  const people = Array.from({ length: 25 }, (_, index) => numbered(index));
  const [watcher, ...others] = people as [string, ...string[]];

  test("names one user each while up to 20 changed within a window, joins and leaves counted together", async () => {
    const topic = `conversation:${await web.groupOf(watcher, others)}`;
    const wire = await joined(watcher, topic);
    await presenceAfter(windowMs, wire, topic);
    await Promise.all(others.slice(0, 20).map((userId) => joined(userId, topic)));
    const frames = (await presenceAfter(windowMs, wire, topic)).slice(2);
    expect(frames.map(([, diff]) => sizes(diff))).toEqual(Array(20).fill([1, 0]));
  });

  test("names all of them when more than 20 changed", async () => {
    const topic = `conversation:${await web.groupOf(watcher, others)}`;
    const wire = await joined(watcher, topic);
    await presenceAfter(windowMs, wire, topic);
    await Promise.all(others.slice(0, 21).map((userId) => joined(userId, topic)));
    const frames = (await presenceAfter(windowMs, wire, topic)).slice(2);
    expect(frames.map(([, diff]) => sizes(diff))).toEqual([[21, 0]]);
  });

  test("keeps an app right that reads only the first user of each, whoever comes and goes", async () => {
    const random = Random.announced("presence diffs");
    const topic = `conversation:${await web.groupOf(watcher, others)}`;
    const wire = await joined(watcher, topic);
    const online = new Map<string, Wire>();
    for (let round = 0; round < 12; round += 1) {
      await change(random, topic, online);
      const frames = await presenceAfter(graceMs + 2 * windowMs, wire, topic);
      expect(new DartPresence(frames).users).toEqual([watcher, ...online.keys()].sort());
    }
  });

  test("tells again, at once, of the users whom the state of another topic took from a client with one set", async () => {
    const topics = [];
    for (const from of [0, 6]) {
      const members = others.slice(from, from + 6);
      topics.push(`conversation:${await web.groupOf(watcher, members)}`);
      await Promise.all(members.map((userId) => joined(userId, `user:${userId}`)));
    }
    const wire = await joined(watcher, topics[0]!);
    await wire.join(topics[1]!);
    const frames = await presenceAfter(2 * windowMs, wire, topics[0]!);
    expect(new DartPresence(frames).users).toEqual([watcher, ...others.slice(0, 6)].sort());
    const diffs = frames.filter(([event]) => event === "presence_diff");
    expect(diffs.map(([, diff]) => sizes(diff))).toEqual([
      [1, 0],
      [6, 0],
    ]);
  });

  /** Up to 19 of the others come or go at once. */
  async function change(random: Random, topic: string, online: Map<string, Wire>): Promise<void> {
    for (let changes = 1 + random.below(19); changes > 0; changes -= 1) {
      const userId = others[random.below(others.length)]!;
      const wire = online.get(userId);
      if (!wire) online.set(userId, await joined(userId, topic));
      else {
        wire.close();
        online.delete(userId);
      }
    }
    await eventually("the sockets to be gone", () => web.endpoint.sockets.size === 1 + online.size);
  }
});

function sizes(diff: unknown): readonly [joins: number, leaves: number] {
  const { joins, leaves } = diff as { readonly joins: Users; readonly leaves: Users };
  return [Object.keys(joins).length, Object.keys(leaves).length];
}
