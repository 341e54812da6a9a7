import { expect, test } from "bun:test";
import fc from "fast-check";
import { isRawNumber, parseExactly } from "./exact-json.ts";

test("integers of any length come back digit for digit", () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.string(), (integer, text) => {
      const json = `{"n":[${integer}],"t":${JSON.stringify(text)}}`;
      expect(JSON.stringify(parseExactly(json))).toBe(json);
    }),
  );
});

test("everything else is what JSON.parse makes of it", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(JSON.stringify(parseExactly(json))).toBe(JSON.stringify(JSON.parse(json)));
    }),
  );
  expect(parseExactly("[1e400, 12345678901234567.5, 1]")).toEqual([
    Number.POSITIVE_INFINITY,
    12345678901234568,
    1,
  ]);
});

test("a number beyond a double is told from an object", () => {
  expect(isRawNumber(parseExactly("12345678901234567890"))).toBe(true);
  expect(isRawNumber({ rawJSON: "1" })).toBe(false);
  expect(isRawNumber(1)).toBe(false);
});

test("a frame full of values is parsed as fast as any other", () => {
  const crowded = `[12345678901234567890${",0".repeat(250_000)}]`;
  const timed = (parse: () => unknown) => {
    const startedMs = performance.now();
    parse();
    return performance.now() - startedMs;
  };
  const plain = Math.min(...Array.from({ length: 5 }, () => timed(() => JSON.parse(crowded))));
  const exact = Math.min(...Array.from({ length: 5 }, () => timed(() => parseExactly(crowded))));
  expect(exact).toBeLessThan(5 * plain + 5);
});
