import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { limitsDocument, limitsPath } from "../../cli/limits.ts";
import { budgets } from "../core/limits/budgets.ts";
import { arrivals } from "../core/limits/costs.ts";
import type { Limits } from "../core/ports/limiter.ts";
import { operations } from "../operations/list.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture } from "../testing/web/fixture.ts";

/** That nothing comes in at either door without a cost: whatever is added, these tests find it by itself. */

const ann = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";

const routes = operations.flatMap(({ rest }) => rest);
const events = operations.flatMap(({ channel }) =>
  channel.flatMap(({ topic, events }) => events.map((event) => ({ topic, event }))),
);
const one = { perMinute: 1, burst: 1 };
/** One use of each, and of reads the least that a read costs. */
const least = Object.fromEntries(
  Object.keys(budgets).map((name) => [name, name === "user_reads" ? { perMinute: 1, burst: 8 } : one]),
) as unknown as Limits;
const off = { perMinute: 0, burst: 1 };
/** What is counted before anything is known of an operation. */
const before = { user_frames: off, user_handshakes: off, process_handshakes: off };

let web: Fixture;
beforeAll(() => {
  web = new Fixture({ clock: new VirtualClock(), limits: { ...least, ...before } });
});
afterAll(() => web.stop());

describe("every route draws on the budget of its user, and is refused by 429 when that is used up:", () => {
  for (const { method, path } of routes)
    test(`${method} ${path}`, async () => {
      const as = Bun.randomUUIDv7();
      const statuses: number[] = [];
      // A send that is one too many may still be a repeated one: that is the operation which comes second.
      for (let each = 0; each < 3; each++) {
        const asked = `/api/v1${path.replaceAll(/:\w+/g, () => Bun.randomUUIDv7())}`;
        const answer = await web.fetch(method, asked, { as, ...(method === "GET" ? {} : { body: {} }) });
        statuses.push(answer.status);
      }
      expect(statuses[0]).not.toBe(429);
      expect(statuses[2]).toBe(429);
    });
});

describe("every event draws on the budget of its user, over all sockets together, and is refused when that is used up:", () => {
  for (const { topic: kind, event } of events)
    test(`${kind}: ${event}`, async () => {
      const joins = { user_joins: off, user_reads: off, connection_joins: off };
      const ofConnections = { connection_operations: off, connection_typing: off, connection_reads: off };
      const limited = { ...least, ...before, ...joins, ...ofConnections };
      const each = new Fixture({ clock: new VirtualClock(), limits: limited });
      const id = await each.conversationOf(ben, ann);
      const wires = await Promise.all([each.socketOf(ann), each.socketOf(ann), each.socketOf(ann)]);
      const topic = kind === "user" ? `user:${ann}` : `conversation:${id}`;
      const reasons: unknown[] = [];
      for (const wire of wires) {
        expect((await wire.join(topic)).status).toBe("ok");
        reasons.push((await wire.push(topic, event, "{}")).response.reason);
      }
      expect(reasons[0]).not.toBe("rate_limited");
      expect(reasons[2]).toBe("rate_limited");
      await each.stop();
    });
});

test("every class is counted for its user", () => {
  for (const [name, { user }] of Object.entries(arrivals))
    expect([name, user.length > 0]).toEqual([name, name !== "message"]);
});

test("docs/limits.md is the table (bun cli/limits.ts writes it)", () => {
  expect(readFileSync(limitsPath, "utf8")).toBe(limitsDocument());
});
