import { describe, expect, test } from "bun:test";
import { isUuid } from "./core/ports/ids.ts";
import { newId, systemClock } from "./system.ts";
import { clockContract } from "./testing/clock-contract.ts";

describe("the machine's time", () =>
  clockContract(() => ({
    clock: systemClock,
    async until(promise) {
      // Its timers do not keep the process alive.
      const alive = setInterval(() => {}, 1_000);
      try {
        return await promise;
      } finally {
        clearInterval(alive);
      }
    },
  })));

test("ids are UUIDv7 in the form that is a key, unique and ascending", () => {
  const ids = Array.from({ length: 20_000 }, newId);
  expect(ids.every((id) => isUuid(id) && id[14] === "7")).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
});
