import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");
/** A name may go over the end of a line. */
const inOneLine = (text: string) => text.replace(/\s+/g, " ");

/** `file`: *name*; *another name*, as SECURITY.md says which test holds a line. */
const reference = /`((?:src|cli)\/[\w/.-]+\.test\.ts)`((?:(?::|;)\s\*[^*|]+\*)*)/g;

test("each test that the threat model names is there, under that name", () => {
  const references = [...textOf("SECURITY.md").matchAll(reference)];
  expect(references.length).toBeGreaterThan(25);
  for (const [, path, names] of references) {
    const code = textOf(path!);
    for (const [, name] of inOneLine(names!).matchAll(/\*([^*]+)\*/g))
      expect([path, name, code.includes(name!)]).toEqual([path, name, true]);
  }
});

test("each line of the threat model that says what somebody cannot do names a test or the code", () => {
  const rows = textOf("SECURITY.md")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| cannot"));
  for (const row of rows) expect(row).toMatch(/`(src|cli)\/[\w/.-]+\.ts`/);
});
