import { expect, test } from "bun:test";
import { KeyedLineBudget } from "./keyed-line-budget.ts";

function budget(lines = 2) {
  const time = { nowMs: 0 };
  return { time, budget: new KeyedLineBudget({ lines, windowMs: 1_000, monotonicMs: () => time.nowMs }) };
}

test("each key has its own lines, and says with its next one how many were left out", () => {
  const { time, budget: lines } = budget();
  expect([lines.take("a"), lines.take("a"), lines.take("a"), lines.take("a")]).toEqual([{}, {}, null, null]);
  expect(lines.take("b")).toEqual({});
  time.nowMs = 1_000;
  expect(lines.take("a")).toEqual({ suppressed: 2 });
  expect(lines.take("a")).toEqual({});
});

test("what was left out of a key that does not come again is told with another one", () => {
  const { time, budget: lines } = budget(1);
  for (let nth = 0; nth < 5; nth++) lines.take("a");
  time.nowMs = 1_000;
  expect(lines.take("b")).toEqual({ suppressed_others: 4 });
  expect(lines.take("c")).toEqual({});
});

test("somebody with a hundred thousand keys gets as many lines as twenty, and every other one is counted", () => {
  const { time, budget: lines } = budget(1);
  const written = Array.from({ length: 100_000 }, (_, nth) => lines.take(`key ${nth}`)).filter(Boolean);
  expect(written).toHaveLength(20);
  time.nowMs = 1_000;
  expect(lines.take("next")).toEqual({ suppressed_others: 100_000 - 20 });
});
