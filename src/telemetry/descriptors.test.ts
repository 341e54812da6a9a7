import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { OpenDescriptors } from "./descriptors.ts";

/** A kernel before 6.2, on which listing takes a microsecond for each of them. */
function oldKernel() {
  const world = { open: 5_000, nowMs: 0, lists: 0 };
  const listed = () => {
    world.lists++;
    world.nowMs += world.open / 1_000;
    return world.open;
  };
  const source = { size: () => 0, listed };
  return { world, descriptors: new OpenDescriptors({ source, monotonicMs: () => world.nowMs }) };
}

test("counts the descriptors of this process, each one that is opened at once", () => {
  // By a clock that stands still, listing costs nothing: an older kernel is asked afresh each time, too.
  const descriptors = new OpenDescriptors({ monotonicMs: () => 0 });
  const before = descriptors.count();
  const opened = Array.from({ length: 5 }, () => openSync("/dev/null", "r"));
  expect(descriptors.count() - before).toBe(5);
  for (const each of opened) closeSync(each);
});

test("a storm of handshakes on a kernel that does not tell their number spends a twentieth of its time with listing them", () => {
  const { world, descriptors } = oldKernel();
  for (let handshake = 0; handshake < 5_000; handshake++) {
    descriptors.count();
    world.nowMs += 0.2;
  }
  expect(world.lists).toBeLessThanOrEqual(11);
});

test("their number on such a kernel is at most 20 times as old as it took to list them", () => {
  const { world, descriptors } = oldKernel();
  expect(descriptors.count()).toBe(5_000);
  world.open = 6_000;
  world.nowMs += 99;
  expect(descriptors.count()).toBe(5_000);
  world.nowMs += 1;
  expect(descriptors.count()).toBe(6_000);
});

test("a process without a descriptor left has as many open as there can be", () => {
  const exhausted = () => {
    throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
  };
  const descriptors = new OpenDescriptors({ source: { size: () => 0, listed: exhausted } });
  expect(descriptors.count()).toBe(Number.POSITIVE_INFINITY);
});
