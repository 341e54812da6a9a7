import { describe, expect, test } from "bun:test";
import { isRejection } from "../../core/rejection.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { FairTurns, type FairTurnsSettings } from "./fair-turns.ts";

/** Works that end when the test says so; `begun` tells in which order they began. */
function someTurns(given: Partial<FairTurnsSettings> = {}) {
  const clock = new VirtualClock();
  const settings = { maxAtOnce: 3, maxAtOncePerUser: 2, maxPerUser: 0, ...given };
  const turns = new FairTurns({ settings, clock });
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  return {
    clock,
    begun,
    run(name: string, user = name.split(" ")[0]!) {
      const end = Promise.withResolvers<string>();
      ends.set(name, end);
      return turns.run(user, () => {
        begun.push(name);
        return end.promise;
      });
    },
    async end(name: string) {
      ends.get(name)!.resolve(`${name} is done`);
      await settled();
    },
    async fail(name: string, error: Error) {
      ends.get(name)!.reject(error);
      await settled();
    },
  };
}

test("few works run at once, and fewer of one user; the others wait", async () => {
  const { run, begun } = someTurns();
  for (const name of ["anna 1", "anna 2", "anna 3", "ben 1", "ben 2"]) void run(name);
  await settled();
  expect(begun).toEqual(["anna 1", "anna 2", "ben 1"]);
});

test("users are served in turn: one work of another waits for one that is under way, not for all that were asked before", async () => {
  const { run, begun, end } = someTurns();
  for (const name of ["anna 1", "anna 2", "anna 3", "anna 4", "carl 1", "ben 1"]) void run(name);
  await end("anna 1");
  await end("anna 2");
  await end("carl 1");
  expect(begun).toEqual(["anna 1", "anna 2", "carl 1", "anna 3", "ben 1", "anna 4"]);
});

test("each comes to what its work comes to, and a work that fails makes room like any other", async () => {
  const { run, end, fail } = someTurns({ maxAtOnce: 1 });
  const first = run("anna 1").catch((error: unknown) => error);
  const second = run("ben 1");
  const failure = new Error("no");
  await fail("anna 1", failure);
  await end("ben 1");
  expect(await first).toBe(failure);
  expect(await second).toBe("ben 1 is done");
});

describe("I10: bounds", () => {
  test("one user has only so many under way and waiting; more are refused by name, others are not", async () => {
    const { run, begun } = someTurns({ maxPerUser: 5 });
    for (const count of [1, 2, 3, 4, 5]) void run(`anna ${count}`);
    expect(await run("anna 6")).toMatchObject({ code: "rate_limited", retryAfterMs: 1_000 });
    void run("ben 1");
    await settled();
    expect(begun).toContain("ben 1");
  });

  test("what waits for too long is refused by name, and the next one has its turn", async () => {
    const { run, clock, end } = someTurns({ maxAtOnce: 1 });
    void run("anna 1");
    const waiting = run("ben 1");
    clock.stall(10_000);
    const next = run("carl 1");
    await end("anna 1");
    await end("carl 1");
    expect(await waiting).toMatchObject({ code: "overloaded", retryAfterMs: 1_000 });
    expect(await next).toBe("carl 1 is done");
  });

  test("only so many wait in all", async () => {
    const { run } = someTurns();
    const all = Array.from({ length: 30_000 }, (_, index) => run(`user${index} 1`));
    const last = await Promise.race([all.at(-1)!, settled()]);
    expect(isRejection(last as object) && last).toMatchObject({ code: "overloaded" });
  });
});

test("an end costs the same however many users wait", async () => {
  const { run, end } = someTurns({ maxAtOnce: 1 });
  const names = Array.from({ length: 18_000 }, (_, index) => `user${index} 1`);
  for (const name of names) void run(name);
  const startMs = performance.now();
  for (const name of names.slice(0, 9_000)) await end(name);
  expect(performance.now() - startMs).toBeLessThan(2_000);
});
