import { expect, test } from "bun:test";
import type { DeviceCursors } from "../core/ports/store.ts";
import { newId } from "../system.ts";
import { noteTaker } from "../testing/builders.ts";
import { settled, VirtualClock } from "../testing/clock.ts";
import { Cursors, type DevicePosition } from "./cursors.ts";

function remembering() {
  const saved: DevicePosition[][] = [];
  const store: DeviceCursors = {
    register: async () => [],
    save: async (moves) => void saved.push([...moves]),
  };
  const clock = new VirtualClock();
  const cursors = new Cursors({ store, clock, observer: noteTaker().observer });
  return { saved, clock, cursors };
}

const [userId, conversationId] = [newId(), newId()];
const at = (seq: number, rev: number): DevicePosition => {
  return { userId, deviceId: "phone", conversationId, seq, rev };
};

test("a confirmed change of an older message does not take back the messages that were confirmed before", async () => {
  const { saved, cursors } = remembering();
  cursors.confirmed(at(5, 5));
  cursors.confirmed(at(0, 7));
  await cursors.save();
  expect(saved).toEqual([[at(5, 7)]]);
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
