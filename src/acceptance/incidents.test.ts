import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { incidentsDocument, incidentsPath } from "../../cli/incidents.ts";
import { incidents } from "../core/incidents.ts";
import { notes } from "../core/notes.ts";

const root = join(import.meta.dir, "../..");
const table = "src/core/incidents.ts";

/** The code that is shipped, without the page that runs in browsers. */
const shipped = [...new Bun.Glob("{src,cli}/**/*.ts").scanSync({ cwd: root })]
  .filter((path) => !/\.test\.ts$|\/(testing|fixture)\/|^src\/playground\/page\//.test(path))
  .map((path) => ({ path, code: readFileSync(join(root, path), "utf8") }));

function pathsWith(pattern: RegExp): readonly string[] {
  return shipped.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
}

test("I14: only the logger writes log lines, so that nothing is logged at warn or error that is not an incident of the table", () => {
  expect(pathsWith(/from "pino"/)).toEqual(["src/telemetry/logger.ts"]);
  const printing = /\bconsole\.|\bprocess\.std(out|err)\b/;
  expect(pathsWith(printing).filter((path) => path.startsWith("src/"))).toEqual([]);
});

test("I14: each incident has a snake_case name, and something reports it", () => {
  for (const name of Object.keys(incidents)) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/);
    const reporting = shipped.filter(({ path, code }) => path !== table && code.includes(`"${name}"`));
    expect([name, reporting.length > 0]).toEqual([name, true]);
  }
});

test("each line at info has a snake_case name of the closed table, and something writes it", () => {
  for (const name of Object.keys(notes)) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    const writing = shipped.filter(({ code }) => new RegExp(`\\.(note|info)\\(\\s*"${name}"`).test(code));
    expect([name, writing.length > 0]).toEqual([name, true]);
  }
});

test("I14: a sentence is one sentence, and says what to do", () => {
  for (const { means, action } of Object.values(incidents)) {
    expect(means).not.toMatch(/\.$|\n/);
    expect(action.length).toBeGreaterThan(5);
  }
});

test("docs/incidents.md is the table (bun cli/incidents.ts writes it)", () => {
  expect(readFileSync(incidentsPath, "utf8")).toBe(incidentsDocument());
});
