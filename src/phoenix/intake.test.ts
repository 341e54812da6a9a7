import { expect, test } from "bun:test";
import { costOf } from "./frame-budget.ts";
import { frameLot, Intake } from "./intake.ts";

const clock = { now: () => 0 };

test("a frame that costs more than a lot takes as many lots as it costs", () => {
  let lots = 0;
  const takeLot = () => {
    lots += 1;
    return true;
  };
  const intake = new Intake({ identity: "anna", clock, framesPerMin: 0, uselessPerMin: 0, takeLot });
  const size = 512 * 1_024;
  expect(intake.frame(size)).toBeNull();
  expect(lots).toBe(Math.ceil(costOf(size) / frameLot));
});

test("all that is allowed in a minute may come at once, and nothing beyond it", () => {
  const intake = new Intake({ identity: "anna", clock, framesPerMin: 3, uselessPerMin: 2 });
  expect([1, 2, 3, 4].map(() => intake.frame(0))).toEqual([null, null, null, "frames"]);
  expect([1, 2, 3].map(() => intake.useless(0))).toEqual([null, null, "refused"]);
});
