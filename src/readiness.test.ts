import { expect, test } from "bun:test";
import { Readiness } from "./readiness.ts";

type Given = ConstructorParameters<typeof Readiness>[0];

interface World {
  isUp: boolean;
  storeIsStarting: boolean;
  trouble: { incident: string; reason: string } | null;
  ownership: { waitsFor: string | null; isStarting: boolean };
  keys: { waitsFor: string | null; isStarting: boolean };
  disk: { shortage: string | null } | null;
  isStopping: boolean;
}

/** A process that has all that it needs, but for what is given. */
function readinessOf(given: Partial<World> = {}): Readiness {
  const { isUp = true, storeIsStarting = false, trouble = null, isStopping = false } = given;
  const { ownership = served, keys = served, disk = null } = given;
  const health = { isUp, isStarting: storeIsStarting, trouble };
  const all = { health, ownership, keys, disk, isStopping: () => isStopping };
  return new Readiness(all as unknown as Given);
}

const served = { waitsFor: null, isStarting: false };
const asked = { waitsFor: "the first answer", isStarting: true };
const refused = { waitsFor: "another process", isStarting: false };

test("every need has a check of its own, and a stop is one more", () => {
  const ok = { status: "ok" };
  expect(readinessOf().checks()).toEqual({ database: ok, ownership: ok, keys: ok } as never);
  expect(readinessOf({ ownership: refused, keys: asked, isUp: false }).checks()).toEqual({
    database: { status: "unavailable", reason: "PostgreSQL does not answer" },
    ownership: { status: "unavailable", reason: "waits for another process" },
    keys: { status: "unavailable", reason: "waits for the first answer" },
  });
  expect(readinessOf({ isStopping: true }).checks()).toMatchObject({
    process: { status: "unavailable", reason: "stopping" },
  });
});

test("a full disk is reported as the disk's, any other trouble with writes as the database's", () => {
  const full = { incident: "disk_full", reason: "No space left on device" };
  const degraded = { status: "degraded", reason: "No space left on device" };
  expect(readinessOf({ trouble: full }).checks()).toMatchObject({
    database: { status: "ok" },
    disk: degraded,
  });
  const readOnly = { ...full, incident: "store_read_only" };
  expect(readinessOf({ trouble: readOnly, disk: { shortage: null } }).checks()).toMatchObject({
    database: degraded,
    disk: { status: "ok" },
  });
  const disk = { shortage: "100 MB are left" };
  expect(readinessOf({ disk }).checks()).toMatchObject({
    disk: { status: "degraded", reason: "100 MB are left" },
  });
});

test("a process starts while all that it lacks is asked for the first time", () => {
  expect(readinessOf({ isUp: false, storeIsStarting: true, ownership: asked, keys: asked }).isStarting).toBe(
    true,
  );
  expect(readinessOf({ ownership: asked }).isStarting).toBe(true);
});

test.each<[string, Partial<World>]>([
  ["the store stopped answering", { isUp: false, ownership: asked }],
  ["the keys could not be read", { keys: refused, ownership: asked }],
  ["another process has the right to write", { ownership: refused, keys: asked }],
  ["it stops", { isStopping: true, ownership: asked }],
])("it does not start any more once %s", (_, given) => {
  expect(readinessOf(given).isStarting).toBe(false);
});
