import { expect, test } from "bun:test";
import { LearnedWeights } from "./learned-weights.ts";

test("what is known weighs what it brought the last time", () => {
  const weights = new LearnedWeights({ initial: 2 });
  weights.learn("large", 1_000);
  weights.learn("large", 900);
  expect(weights.of("large")).toBe(900);
});

test("one heavy thing that is asked for again and again does not make what is unknown look heavy", () => {
  const weights = new LearnedWeights({ initial: 2 });
  for (let times = 0; times < 1_000; times++) weights.learn("mine", 1_000 + (times % 2));
  expect(weights.of("another's")).toBeLessThan(2 * 4);
});

test("what is unknown weighs as the known things do on average, also after old ones were forgotten", () => {
  const weights = new LearnedWeights({ initial: 2, maxKnown: 10_000 });
  for (let id = 0; id < 20_000; id++) weights.learn(`${id}`, 100);
  expect(weights.of("unknown")).toBeWithin(95, 101);
});
