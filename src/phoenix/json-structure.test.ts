import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { countValues, maxValues } from "./json-structure.ts";

describe("the values of a JSON text", () => {
  test("are counted by what stands around its strings, whatever stands in them", () => {
    const parts = fc.constantFrom("[", "{", "]", ",", '"', "\\", "x".repeat(40), "\u2028");
    const text = fc.array(parts).map((some) => some.join("").repeat(200));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), fc.nat(maxValues - 30), (texts, more) => {
        const json = JSON.stringify([...texts, Array(more).fill(0), { a: { b: 1, c: "" } }]);
        expect(countValues(json)).toBe(1 + texts.length + 1 + Math.max(0, more - 1) + 1 + 6);
        expect(countValues(`${json}${"[".repeat(maxValues)}`)).toBe(maxValues + 1);
      }),
      { numRuns: 50 },
    );
  });

  test("are no more than one too many, however many there are and whether they are well-formed", () => {
    for (const text of ["[", ",", `{"a":`, "[]", `"",`, `"\\"",`])
      expect([text, countValues(text.repeat(100_000))]).toEqual([text, maxValues + 1]);
    for (const text of [`["${"x".repeat(5_000)}`, `["${"x".repeat(5_000)}\\`, `["`, ""])
      expect(countValues(text)).toBeLessThan(2);
  });
});
