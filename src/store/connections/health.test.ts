import { expect, test } from "bun:test";
import type { AppendOutcome } from "../../core/ports/commit.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { StoreHealth, WatchedCommit } from "./health.ts";

const diskFull = Object.assign(new Error("could not extend file"), { code: "53100", severity: "ERROR" });

function aHealth() {
  const clock = new VirtualClock();
  const notes = noteTaker();
  return { clock, notes, health: new StoreHealth({ clock, observer: notes.observer }) };
}

test("the store is up while its last answer is younger than three seconds", async () => {
  const { clock, health } = aHealth();
  expect(health.isUp).toBe(false);
  health.answered("ping", 1);
  await clock.runFor(2_999);
  expect(health.isUp).toBe(true);
  await clock.runFor(1);
  expect(health.isUp).toBe(false);
});

test("a store that has not answered yet is starting, and one that went silent is not", async () => {
  const { clock, health } = aHealth();
  expect([health.isUp, health.isStarting]).toEqual([false, true]);
  health.answered("ping", 1);
  expect(health.isStarting).toBe(false);
  await clock.runFor(3_000);
  expect([health.isUp, health.isStarting]).toEqual([false, false]);
});

test("a write that the disk has no room for is an incident, and a trouble until a write is stored", async () => {
  const { notes, health } = aHealth();
  const outcomes: AppendOutcome[] = [
    { type: "again", error: diskFull },
    { type: "stored", moved: new Set(), marked: [] },
  ];
  const port = new WatchedCommit({ port: { append: async () => outcomes.shift()! }, health });
  const append = () => port.append({ changes: [], marks: [], atUs: 0 }, () => 1);
  expect((await append()).type).toBe("again");
  expect(notes.warnings).toEqual([
    { event: "disk_full", reason: expect.stringContaining("free some space") },
  ]);
  expect(health.trouble).toMatchObject({ incident: "disk_full" });
  expect((await append()).type).toBe("stored");
  expect(health.trouble).toBeNull();
});

test("a trouble that nothing shows again is over after half a minute", async () => {
  const { clock, health } = aHealth();
  health.failed(diskFull);
  await clock.runFor(29_999);
  expect(health.trouble).not.toBeNull();
  await clock.runFor(1);
  expect(health.trouble).toBeNull();
});

test("a read that fails is an incident and no trouble for what is written", async () => {
  const { notes, health } = aHealth();
  const slow = Object.assign(new Error("canceling statement"), { code: "57014", severity: "ERROR" });
  const query = () => Promise.reject(slow);
  const pool = health.watching({ query } as unknown as Parameters<StoreHealth["watching"]>[0]);
  await expect(pool.query({ text: "select 1" })).rejects.toBe(slow);
  expect(notes.warnings).toMatchObject([{ event: "store_slow" }]);
  expect(health.trouble).toBeNull();
});
