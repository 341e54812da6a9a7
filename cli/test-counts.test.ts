import { expect, test } from "bun:test";
import { countTests, failedTests } from "./test-counts.ts";

test("skipped tests count as failed", () => {
  const junit =
    '<?xml version="1.0"?>\n<testsuites name="bun test" tests="19" assertions="3" failures="1" skipped="2" time="0.1">';
  expect(countTests(junit)).toEqual({ passed: 16, failed: 3 });
});

test("a text that is no report is an error, not a success", () => {
  expect(() => countTests("")).toThrow("testsuites");
});

test("what did not pass is told with its file, its groups and its error", () => {
  const junit = `<testsuites name="bun test" tests="4" failures="1" skipped="1">
  <testsuite name="a.test.ts" file="a.test.ts">
    <testcase name="ok" classname="group" time="0.1" file="a.test.ts" line="3" assertions="0" />
    <testcase name="a &lt; b" classname="group x" time="0.1" file="a.test.ts" line="4" assertions="1">
      <failure type="Error" message="boom &lt;x&gt;">Error: boom &lt;x&gt;&#10;      at a.test.ts:4:47&#10;</failure>
    </testcase>
    <testcase name="fine" classname="" time="0.1" file="a.test.ts" line="5" assertions="1">
    </testcase>
    <testcase name="later" classname="" time="0" file="b.test.ts" line="5" assertions="0">
      <skipped message="TODO" />
    </testcase>
  </testsuite>
</testsuites>`;
  expect(failedTests(junit)).toEqual([
    { file: "a.test.ts", name: "group x > a < b", why: "Error: boom <x>\n      at a.test.ts:4:47" },
    { file: "b.test.ts", name: "later", why: "skipped" },
  ]);
});
