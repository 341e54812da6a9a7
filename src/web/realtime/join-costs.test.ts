import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../testing/clock.ts";
import { Fixture } from "../../testing/web/fixture.ts";

const ann = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";

let web: Fixture;
beforeEach(() => {
  // 100 kB at once, for each user.
  web = new Fixture({ clock: new VirtualClock(), limits: { user_reads: { perMinute: 1, burst: 100 } } });
});
afterEach(() => web.stop());

/** How many joins of Ben's come in before one is refused. */
async function joinsAllowed(topic: string, payload?: string): Promise<number> {
  const wire = await web.socketOf(ben);
  for (let joins = 0; ; joins++) {
    const { status, response } = await wire.join(topic, payload);
    if (status === "ok") continue;
    expect(response.reason).toBe("rate_limited");
    return joins;
  }
}

function users(count: number): readonly string[] {
  return Array.from({ length: count }, () => Bun.randomUUIDv7());
}

describe("joins that read much count as reads", () => {
  test("of a conversation with a cursor: the marks of all its members, of which the answer shows 200", async () => {
    const id = await web.groupOf(ann, [ben, ...users(998)]);
    const cursor = `{"since_seq":0,"since_rev":0,"generation":1}`;
    // 50 kB of marks and an answer of 17 kB each: the second one uses up the rest and more.
    expect(await joinsAllowed(`conversation:${id}`, cursor)).toBe(2);
  });

  test("of a user: all their conversations, of which the answer shows none", async () => {
    await Promise.all(users(100).map((creatorId) => web.groupOf(creatorId, [ben])));
    // 10 kB each.
    expect(await joinsAllowed(`user:${ben}`)).toBe(10);
  });

  test("and those that read little count as one kB each", async () => {
    await web.groupOf(ann, [ben]);
    expect(await joinsAllowed(`user:${ben}`)).toBe(100);
  });
});
