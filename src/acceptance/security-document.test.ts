import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { settings } from "../settings.ts";

const root = join(import.meta.dir, "../..");
const documents = ["SECURITY.md", "docs/hardening.md"] as const;
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

test.each(documents)("the links of %s lead somewhere", (path) => {
  for (const [, target] of textOf(path).matchAll(/\]\(((?!https?:)[^)#]+)\)/g))
    expect([target, existsSync(join(root, dirname(path), target!))]).toEqual([target, true]);
});

test("the settings that the checklist names are settings", () => {
  const known = new Set(Object.values(settings).flatMap(({ variables }) => variables as readonly string[]));
  const named = textOf("docs/hardening.md").matchAll(
    /\b(?:WHISPR|LIMIT|JWT|ADMIN|DB|CORS|TRUSTED|LOG|FIRST|PRESENCE)_[A-Z_]+\b/g,
  );
  for (const [name] of named) expect([name, known.has(name)]).toEqual([name, true]);
});
