import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { holdsFewValues, maxValues } from "./json-structure.ts";

/** Long enough to be looked at. */
const padding = "x".repeat(5_000);
const padded = (json: string) => `["${padding}",${json}]`;

describe("a JSON text", () => {
  test("holds few values whatever stands in its strings, and too many whatever stands around them", () => {
    const parts = fc.constantFrom("[", "{", "]", ",", '"', "\\", "x".repeat(40), "\u2028");
    const text = fc.array(parts).map((some) => some.join("").repeat(2_000));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (texts) => {
        const strings = JSON.stringify(texts);
        expect(holdsFewValues(padded(strings))).toBe(true);
        expect(holdsFewValues(padded(`${strings},${"[".repeat(maxValues)}`))).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  test("is bounded in values, to the last that is allowed: elements, members, and what is nested", () => {
    // The outer array, the inner one, and the comma between the padding and it.
    const most = maxValues - 3;
    expect(holdsFewValues(padded(`[0${",0".repeat(most)}]`))).toBe(true);
    expect(holdsFewValues(padded(`[0${",0".repeat(most + 1)}]`))).toBe(false);
    // The object and its first member are 3 of them.
    const members = (most - 3) / 2;
    expect(holdsFewValues(padded(`{"a":0${',"a":0'.repeat(Math.floor(members))}}`))).toBe(true);
    expect(holdsFewValues(padded(`{"a":0${',"a":0'.repeat(Math.floor(members) + 2)}}`))).toBe(false);
    expect(holdsFewValues(padded(`{"a":`.repeat(maxValues)))).toBe(false);
    expect(holdsFewValues(padded("[]".repeat(maxValues)))).toBe(false);
  });

  test("that is short is never looked at, and one that does not end is no trouble", () => {
    expect(holdsFewValues("[".repeat(4_096))).toBe(true);
    expect(holdsFewValues(`["${padding}`)).toBe(true);
    expect(holdsFewValues(`["${padding}\\`)).toBe(true);
  });
});
