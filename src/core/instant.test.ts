import { expect, test } from "bun:test";
import fc from "fast-check";
import { instants } from "../testing/builders/arbitraries.ts";
import { formatInstant, parseInstant, parseUtc } from "./instant.ts";

test("every microsecond from 1716 to 2254 comes back as it went out", () => {
  fc.assert(
    fc.property(instants, (us) => {
      const text = formatInstant(us);
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(parseInstant(text)).toBe(us);
    }),
    { numRuns: 1_000 },
  );
});

test("texts order as their instants do", () => {
  fc.assert(
    fc.property(instants, instants, (one, other) => {
      expect(formatInstant(one) < formatInstant(other)).toBe(one < other);
    }),
  );
});

test.each([
  ["2026-11-23T22:28:00Z", "2026-11-23T22:28:00.000000Z"],
  ["2026-11-23T22:28:00.1Z", "2026-11-23T22:28:00.100000Z"],
  ["2026-11-23T22:28:00.123456789Z", "2026-11-23T22:28:00.123456Z"],
  ["2026-11-23T22:28:00", "2026-11-23T22:28:00.000000Z"],
  ["2026-11-23T22:28:00.5+02:00", "2026-11-23T20:28:00.500000Z"],
  ["2026-11-23 22:28:00.000001+00", "2026-11-23T22:28:00.000001Z"],
  ["2026-11-23 22:28:00+0530", "2026-11-23T16:58:00.000000Z"],
  ["1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"],
])("%s is understood", (text, same) => {
  expect(formatInstant(parseInstant(text)!)).toBe(same);
});

test.each([
  "",
  "yesterday",
  "2026-11-23",
  "2026-13-01T00:00:00Z",
  "2026-11-23T25:00:00Z",
  "2026-11-23T22:28:00.Z",
  " 2026-11-23T22:28:00Z",
  "2026-11-23T22:28:00Z\n",
  "infinity",
  "+010000-01-01T00:00:00Z",
])("%p is not an instant", (text) => {
  expect(parseInstant(text)).toBeNull();
});

test.each(["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])(
  "I11: %s lies outside what a number of microseconds can hold, so it is no instant",
  (text) => {
    expect(parseInstant(text)).toBeNull();
  },
);

test("what PostgreSQL writes in UTC is read the same by the fast way, and every other form is left to the other", () => {
  fc.assert(
    fc.property(instants, (us) => {
      const [day, rest] = formatInstant(us).split("T");
      const text = `${day} ${rest!.replace(/\.?0*Z$/, "")}+00`;
      expect(parseUtc(text)).toBe(us);
      expect(parseInstant(text)).toBe(us);
    }),
    { numRuns: 1_000 },
  );
  for (const text of [
    "",
    "+00",
    "2026-11-23+00",
    "2026-11-23T22:28:00+00",
    "2026-11-23 22:28:00Z",
    "2026-11-23 22:28:00+02",
    "0001-01-01 00:00:00+00",
    "infinity",
  ])
    expect(parseUtc(text)).toBeNull();
});
