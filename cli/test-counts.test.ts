import { expect, test } from "bun:test";
import { countTests } from "./test-counts.ts";

test("skipped tests count as failed", () => {
  const junit =
    '<?xml version="1.0"?>\n<testsuites name="bun test" tests="19" assertions="3" failures="1" skipped="2" time="0.1">';
  expect(countTests(junit)).toEqual({ passed: 16, failed: 3 });
});

test("a text that is no report is an error, not a success", () => {
  expect(() => countTests("")).toThrow("testsuites");
});
