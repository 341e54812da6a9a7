import { expect, test } from "bun:test";
import { StoreUnavailable } from "../core/ports/store-errors.ts";
import { noteTaker } from "../testing/builders/builders.ts";
import { settled, VirtualClock } from "../testing/clock.ts";
import { LastSeen } from "./last-seen.ts";

function remembering() {
  const saved: (readonly [string, number])[][] = [];
  const store = { isAway: false, gate: Promise.resolve() };
  const clock = new VirtualClock();
  const save = async (users: ReadonlyMap<string, number>) => {
    await store.gate;
    if (store.isAway) throw new StoreUnavailable({ cause: null });
    saved.push([...users]);
  };
  const lastSeen = new LastSeen({ store: { save }, clock, observer: noteTaker().observer });
  return { saved, store, clock, lastSeen };
}

test("users who went offline are saved some seconds later, many in one statement, each with their last time", async () => {
  const { saved, clock, lastSeen } = remembering();
  for (const [userId, atUs] of [
    ["ann", 1],
    ["ben", 2],
    ["ann", 4],
    ["ann", 3],
  ] as const)
    lastSeen.seen(userId, atUs);
  await clock.runFor(4_999);
  expect(saved).toEqual([]);
  await clock.runFor(1);
  expect(saved).toEqual([
    [
      ["ann", 4],
      ["ben", 2],
    ],
  ]);
  await clock.runFor(60_000);
  expect(saved).toHaveLength(1);
  for (let each = 0; each < 2_500; each++) lastSeen.seen(`user ${each}`, each);
  await clock.runFor(5_000);
  expect(saved.slice(1).map((users) => users.length)).toEqual([1_000, 1_000, 500]);
});

test("is known while it is on its way", async () => {
  const { store, clock, lastSeen } = remembering();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.gate = promise;
  lastSeen.seen("ann", 7);
  expect([lastSeen.recent("ann"), lastSeen.recent("ben")]).toEqual([7, null]);
  await clock.runFor(5_000);
  expect(lastSeen.recent("ann")).toBe(7);
  resolve();
  await settled();
  expect(lastSeen.recent("ann")).toBe(null);
});

test("a drain saves all of it at once", async () => {
  const { saved, lastSeen } = remembering();
  lastSeen.seen("ann", 1);
  const first = lastSeen.save();
  lastSeen.seen("ben", 2);
  await Promise.all([first, lastSeen.save()]);
  expect(saved.flat()).toEqual([
    ["ann", 1],
    ["ben", 2],
  ]);
});

test("a store that is away costs nothing of it, and what waits stays bounded", async () => {
  const { saved, store, clock, lastSeen } = remembering();
  store.isAway = true;
  for (let each = 0; each < 100_500; each++) lastSeen.seen(`user ${each}`, each);
  lastSeen.seen("user 1", 9);
  expect(lastSeen.recent("user 100500")).toBe(null);
  await clock.runFor(11_000);
  expect(saved).toEqual([]);
  store.isAway = false;
  await clock.runFor(5_000);
  const users = new Map(saved.flat());
  expect([users.size, users.get("user 1")]).toEqual([100_000, 9]);
});
