import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../system.ts";
import { uuids } from "../../testing/builders/arbitraries.ts";
import { shardCount, shardOf } from "./ownership.ts";

test("a shard is the last 12 bits of the id, for ever", () => {
  expect(shardOf("0190a0b0-0000-7000-8000-000000000000")).toBe(0);
  expect(shardOf("0190a0b0-0000-7000-8000-00000000ffff")).toBe(4095);
  expect(shardOf("0190a0b0-0000-7000-8000-000000000a1b")).toBe(0xa1b);
  fc.assert(
    fc.property(uuids, (id) => {
      const bytes = Buffer.from(id.replaceAll("-", ""), "hex");
      expect(shardOf(id)).toBe((bytes[14]! & 15) * 256 + bytes[15]!);
    }),
  );
});

test("new ids spread over the shards", () => {
  const used = new Set(Array.from({ length: 20_000 }, () => shardOf(newId())));
  expect(used.size).toBeGreaterThan(shardCount * 0.95);
});
