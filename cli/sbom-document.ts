// The output of `whispr-msg sbom`, as cli/notices.ts writes it.
import type { CarriedPart } from "./carried-parts.ts";
import { version } from "./version.ts";

/** The package.json of an npm package. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const product = `pkg:generic/whispr-msg@${version}`;

/** CycloneDX 1.6 (ECMA-424) in JSON. Without a time, so that the same contents are the same document. */
export function billOfMaterials(packages: readonly Manifest[], carried: readonly CarriedPart[]): object {
  const components = [...packages.map(ofPackage), ...carried.map(ofPart)];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { type: "application", "bom-ref": product, name: "whispr-msg", version, purl: product },
    },
    components,
    dependencies: [{ ref: product, dependsOn: components.map((each) => each["bom-ref"]) }],
  };
}

function ofPackage({ name, version: packageVersion, license }: Manifest) {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${packageVersion}`;
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version: packageVersion,
    ...(license && {
      licenses: [license.includes(" ") ? { expression: license } : { license: { id: license } }],
    }),
    purl,
  };
}

function ofPart({ name, version: partVersion, about, spdx, license, purl, cpe, sha256 }: CarriedPart) {
  return {
    type: name === "bun" || name === "postgresql" ? "application" : "library",
    "bom-ref": purl,
    name,
    version: partVersion,
    description: about,
    licenses: [{ license: spdx ? { id: spdx } : { name: license } }],
    ...(cpe && { cpe }),
    purl,
    ...(Object.keys(sha256).length > 0 && {
      components: Object.entries(sha256).map(([file, content]) => ofFile(purl, file, content)),
    }),
  };
}

function ofFile(of: string, name: string, content: string) {
  return { type: "file", "bom-ref": `${of}#${name}`, name, hashes: [{ alg: "SHA-256", content }] };
}
