import { expect, test } from "bun:test";
import fc from "fast-check";
import { bindProblem } from "./bindable.ts";

test("what PostgreSQL refuses as a parameter is found, however deep it is", () => {
  const bad: readonly unknown[] = [
    "a\0b",
    "a\ud800b",
    "\udc00",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0.5,
    2 ** 53,
    new Date(Number.NaN).getTime(),
  ];
  for (const value of bad) {
    expect(bindProblem(value)).toBeString();
    expect(bindProblem({ userId: "x", places: [{ seq: 1 }, { seq: value }] })).toBeString();
  }
});

test("the value is not in the words about it", () => {
  expect(bindProblem("secret\0")).not.toContain("secret");
});

test("well-formed text, whole numbers, null and what is not set can be bound", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), (text, number) => {
      fc.pre(!text.includes("\0"));
      expect(bindProblem({ text, number, none: null, absent: undefined, is: true, list: [text] })).toBeNull();
    }),
  );
});
