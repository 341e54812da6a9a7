import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { noticesPath, shippedPackages } from "./notices.ts";

test("every package that is compiled in is named, in its version, in the third-party notices", () => {
  const written = readFileSync(noticesPath, "utf8");
  const missing = [...shippedPackages().values()].filter(
    ({ name, version }) => !written.includes(`## ${name} ${version} (`),
  );
  expect(missing.map(({ name, version }) => `${name} ${version}: run bun cli/notices.ts`)).toEqual([]);
});
