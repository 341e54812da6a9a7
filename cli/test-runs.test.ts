import { expect, test } from "bun:test";
import { testsOfDatabase } from "./stock-tests.ts";
import { wantedRuns } from "./test-runs.ts";

const runsOf = (args: readonly string[], environment = {}) => {
  const { first, second } = wantedRuns(args, environment);
  return [first, second];
};

test("everything runs on the carried PostgreSQL, and on the installed one where there is one", () => {
  expect(runsOf([])).toEqual([true, "where there is one"]);
  expect(runsOf(["--embedded"])).toEqual([true, "no"]);
});

test("in CI the second run must take place", () => {
  expect(runsOf(["--install"], { CI: "true" })).toEqual([true, "must"]);
  expect(wantedRuns(["--install"], { CI: "true" })).toMatchObject({ mayInstall: true, filters: [] });
});

test("a part runs once: on the carried one, on the one that is named, or on the installed one", () => {
  expect(runsOf(["src/auth"])).toEqual([true, "no"]);
  expect(runsOf(["src/auth"], { CI: "true" })).toEqual([true, "no"]);
  expect(runsOf([], { WHISPR_TEST_DATABASE_URL: "postgres://elsewhere" })).toEqual([true, "no"]);
  expect(runsOf(["--stock", "src/store"])).toEqual([false, "must"]);
  expect(wantedRuns(["--stock", "src/store"], {}).filters).toEqual(["src/store"]);
});

test("what runs again is what touches the run's database, and nothing that starts its own or needs none", () => {
  const files = testsOfDatabase();
  for (const file of [
    "src/store/append/append.test.ts",
    "src/engine/conversation/actor.test.ts",
    "src/acceptance/sync.test.ts",
  ])
    expect(files).toContain(file);
  expect(files.filter((file) => /embedded\/|^src\/(core|web|phoenix)\//.test(file))).toEqual([]);
});
