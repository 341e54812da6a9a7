import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { carriedFiles, nativeDirectory } from "../src/store/embedded/carried.ts";
import { carriedParts } from "./carried-parts.ts";
import { noticesPath, sbom, sbomPath, shippedPackages } from "./notices.ts";

test("every package that is compiled in is named, in its version, in the third-party notices", () => {
  const written = readFileSync(noticesPath, "utf8");
  const missing = [...shippedPackages().values()].filter(
    ({ name, version }) => !written.includes(`## ${name} ${version} (`),
  );
  expect(missing.map(({ name, version }) => `${name} ${version}: run bun cli/notices.ts`)).toEqual([]);
});

test("what is carried is named in the notices in the version that its files tell, and the SBOM is what the code writes", () => {
  const written = readFileSync(noticesPath, "utf8");
  const parts = carriedParts();
  const names = parts.map(({ name }) => name);
  for (const name of ["bun", "postgresql", "openssl", "libxml2", "zlib", "xz", "icu"])
    expect(names).toContain(name);
  for (const { name, version } of parts) expect(written).toContain(`| ${name} | ${version} |`);
  expect(readFileSync(sbomPath, "utf8")).toBe(sbom());
});

test("each file of the carried PostgreSQL that runs is in the SBOM with its checksum", () => {
  const named = carriedParts().flatMap(({ sha256 }) => Object.keys(sha256));
  const run = carriedFiles(nativeDirectory())
    .map(({ target }) => target)
    .filter((target) => /^(bin|lib)\//.test(target));
  expect(named.sort()).toEqual([...run].sort());
});
