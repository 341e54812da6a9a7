import { expect, test } from "bun:test";
import fc from "fast-check";
import { deviceTagOf, untagged } from "./send-key.ts";

test("I3: the tag of a device stays what it was: it is stored", () => {
  expect([null, "", "phone", "tablet", "0198c0de-0000-7000-8000-00000000a11c"].map(deviceTagOf)).toEqual([
    1, 725_515_279, 1_749_285_060, 1_599_327_755, 1_417_392_340,
  ]);
});

test("I3: every tag fits in 31 bits, and none is that of a message without a device", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (deviceId) => {
      const tag = deviceTagOf(deviceId);
      expect(tag).toBeGreaterThan(deviceTagOf(null));
      expect(deviceTagOf(null)).toBeGreaterThan(untagged);
      expect(tag).toBeLessThan(2 ** 31);
      expect(Number.isInteger(tag)).toBe(true);
    }),
  );
});

test("I3: devices whose ids differ in one digit have different tags", () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => [
    `device-${index}`,
    `0198c0de-0000-7000-8000-${index.toString(16).padStart(12, "0")}`,
  ]).flat();
  // Of 40,000 random tags two are the same in a third of all cases.
  expect(ids.length - new Set(ids.map(deviceTagOf)).size).toBeLessThanOrEqual(2);
});
