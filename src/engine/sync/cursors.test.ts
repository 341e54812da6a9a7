import { describe, expect, test } from "bun:test";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import { newId } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { Cursors, type DevicePosition } from "./cursors.ts";

const rowsAtOnce = 1_000;
const maxWaiting = 100_000;

function remembering() {
  const saved: (readonly DevicePosition[])[] = [];
  let isAway = false;
  let gate: Promise<void> = Promise.resolve();
  const store: DeviceCursors = {
    register: async () => [],
    async save(moves) {
      await gate;
      if (isAway) throw new StoreUnavailable({ cause: null });
      saved.push([...(moves as readonly DevicePosition[])]);
    },
  };
  const clock = new VirtualClock();
  const notes = noteTaker();
  const cursors = new Cursors({ store, clock, observer: notes.observer });
  return {
    saved,
    clock,
    cursors,
    notes,
    storeIsAway(away: boolean) {
      isAway = away;
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

const [userId, conversationId] = [newId(), newId()];
const at = (seq: number, rev: number, deviceId = "phone"): DevicePosition => {
  return { userId, deviceId, conversationId, seq, rev };
};
const many = (count: number) => Array.from({ length: count }, (_, index) => at(1, 1, `device ${index}`));

test("a confirmed change of an older message does not take back the messages that were confirmed before", async () => {
  const { saved, cursors } = remembering();
  cursors.confirmed(at(5, 5));
  cursors.confirmed(at(0, 7));
  await cursors.save();
  expect(saved).toEqual([[at(5, 7)]]);
  cursors.stop();
});

test("positions of two sockets of one device may be confirmed in any order: neither number goes back", async () => {
  const { saved, cursors } = remembering();
  for (const position of [at(5, 9), at(6, 8), at(4, 7)]) cursors.confirmed(position);
  await cursors.save();
  expect(saved).toEqual([[at(6, 9)]]);
  cursors.stop();
});

test("what was confirmed is saved when a socket ends, and every minute, many devices at once", async () => {
  const { saved, clock, cursors } = remembering();
  cursors.confirmed(at(1, 1));
  const tablet = { ...at(2, 2), deviceId: "tablet" };
  cursors.confirmed(tablet);
  await settled();
  expect(saved).toEqual([]);
  cursors.ended();
  await settled();
  expect(saved).toEqual([[at(1, 1), tablet]]);
  cursors.confirmed(at(3, 3));
  await clock.runFor(60_000);
  expect(saved.slice(1)).toEqual([[at(3, 3)]]);
  cursors.stop();
});

describe("statements", () => {
  test("are few: a thousand devices each", async () => {
    const { saved, cursors } = remembering();
    for (const position of many(2_500)) cursors.confirmed(position);
    await cursors.save();
    expect(saved.map((rows) => rows.length)).toEqual([rowsAtOnce, rowsAtOnce, 500]);
    cursors.stop();
  });

  test("of sockets that end together are one, and none when nothing was confirmed", async () => {
    const { saved, clock, cursors } = remembering();
    for (const position of many(300)) {
      cursors.confirmed(position);
      cursors.ended();
    }
    await settled();
    expect(saved.map((rows) => rows.length)).toEqual([300]);
    cursors.ended();
    await clock.runFor(180_000);
    expect(saved).toHaveLength(1);
    cursors.stop();
  });

  test("come one after the other: those that end while one is on its way share the next", async () => {
    const { saved, cursors, hold } = remembering();
    const release = hold();
    for (const position of many(5)) {
      cursors.confirmed(position);
      cursors.ended();
      await settled();
    }
    release();
    await cursors.settled();
    expect(saved.map((rows) => rows.length)).toEqual([1, 4]);
    cursors.stop();
  });

  test("do not wait for the minute when too many positions wait", async () => {
    const { saved, cursors } = remembering();
    for (const position of many(maxWaiting)) cursors.confirmed(position);
    await cursors.settled();
    await settled();
    expect(saved.flat()).toHaveLength(maxWaiting);
    cursors.stop();
  });
});

describe("a store that cannot be reached", () => {
  test("costs no position: it is saved with the next, and the newer one wins", async () => {
    const { saved, clock, cursors, notes, storeIsAway } = remembering();
    storeIsAway(true);
    cursors.confirmed(at(1, 1));
    cursors.confirmed(at(4, 4, "tablet"));
    await cursors.save();
    expect(notes.warnings).toMatchObject([{ event: "cursor_flush_failed", cursors: 2 }]);
    cursors.confirmed(at(2, 2));
    storeIsAway(false);
    await clock.runFor(60_000);
    expect(saved.flat().sort((one, other) => one.seq - other.seq)).toEqual([at(2, 2), at(4, 4, "tablet")]);
    cursors.stop();
  });

  test("is not asked in a tight loop, and what waits for it stays bounded", async () => {
    const { cursors, notes, storeIsAway } = remembering();
    storeIsAway(true);
    for (const position of many(maxWaiting)) cursors.confirmed(position);
    await cursors.settled();
    await settled();
    const tries = notes.notes.length;
    for (const position of many(10)) cursors.confirmed(position);
    await settled();
    expect(notes.notes.length).toBe(tries);
    cursors.stop();
  });
});

test("whoever joins waits for a save that is on its way, and for nothing else", async () => {
  const { cursors, hold } = remembering();
  expect(cursors.settled()).toBeNull();
  cursors.confirmed(at(1, 1));
  expect(cursors.settled()).toBeNull();
  const release = hold();
  cursors.ended();
  let isSettled = false;
  void cursors.settled()!.then(() => {
    isSettled = true;
  });
  await settled();
  expect(isSettled).toBe(false);
  release();
  await settled();
  expect(isSettled).toBe(true);
  expect(cursors.settled()).toBeNull();
  cursors.stop();
});

test("a device that joins while its last socket only seems to be there finds what it has confirmed; others ask for nothing", async () => {
  const { saved, cursors } = remembering();
  cursors.confirmed(at(3, 3));
  expect(cursors.settled({ userId, deviceId: "tablet" })).toBeNull();
  await cursors.settled({ userId, deviceId: "phone" });
  expect(saved).toEqual([[at(3, 3)]]);
  expect(cursors.settled({ userId, deviceId: "phone" })).toBeNull();
  cursors.stop();
});

test("a device that joins waits for the save of what it has confirmed itself, and not for that of others", async () => {
  const { cursors, hold } = remembering();
  cursors.confirmed(at(1, 1, "phone"));
  const release = hold();
  cursors.ended();
  await settled();
  expect(cursors.settled({ userId, deviceId: "tablet" })).toBeNull();
  const saving = cursors.settled({ userId, deviceId: "phone" });
  expect(saving).not.toBeNull();
  release();
  await saving;
  expect(cursors.settled({ userId, deviceId: "phone" })).toBeNull();
  cursors.stop();
});

test("E3: what was confirmed of another history is not saved, also when the store was away as it was tried", async () => {
  const { saved, cursors, storeIsAway, hold, clock } = remembering();
  cursors.confirmed(at(1, 1));
  const release = hold();
  const saving = cursors.save();
  await clock.runFor(0);
  cursors.confirmed(at(2, 2));
  storeIsAway(true);
  cursors.forget();
  release();
  await saving;
  storeIsAway(false);
  cursors.confirmed(at(3, 3, "tablet"));
  await cursors.save();
  expect(saved).toEqual([[at(3, 3, "tablet")]]);
  cursors.stop();
});

test("E3: of another history nothing follows the statement that was on its way", async () => {
  const { saved, cursors, hold } = remembering();
  const release = hold();
  for (const position of many(rowsAtOnce + 1)) cursors.confirmed(position);
  const saving = cursors.save();
  await settled();
  cursors.forget();
  release();
  await saving;
  expect(saved.map((rows) => rows.length)).toEqual([rowsAtOnce]);
  cursors.confirmed(at(2, 2));
  await cursors.save();
  expect(saved.slice(1)).toEqual([[at(2, 2)]]);
  cursors.stop();
});
