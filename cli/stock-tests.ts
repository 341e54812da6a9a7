// Which tests run a second time, on the PostgreSQL that is installed, and where they get it from. Not a command of the product.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { startTestPostgres, type TestPostgres } from "../src/testing/processes/database.ts";
import { findStockPrograms, hasJit, installStockPrograms } from "../src/testing/processes/stock-postgres.ts";

const root = join(import.meta.dir, "..");
/** Whoever imports this gets a database of the run's PostgreSQL. */
const databaseOfTests = "src/testing/processes/database.ts";
/**
 * The carried PostgreSQL's own tests start their own; the playground's are about the page, those of the wire about its clients, and these of the
 * product about the process, its keys and its counters, to which one server is like another.
 */
const elsewhere =
  /^src\/(store\/embedded\/|web\/|playground\/|acceptance\/(aborted-requests|addresses|clients|descriptors|fuzz|keys|limits|metrics|presence|process-one|wire)\.test\.ts$)/;

/** Returns the test files of the store, the engine and the whole product that touch the run's PostgreSQL, by what they import. */
export function testsOfDatabase(): readonly string[] {
  const files = [...new Bun.Glob("src/**/*.test.ts").scanSync({ cwd: root })].sort();
  return files.filter((file) => !elsewhere.test(file) && reaches(file, databaseOfTests, new Set()));
}

const transpiler = new Bun.Transpiler({ loader: "ts" });
const importsOf = new Map<string, readonly string[]>();

function reaches(file: string, target: string, seen: Set<string>): boolean {
  if (file === target) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return ownImports(file).some((each) => reaches(each, target, seen));
}

function ownImports(file: string): readonly string[] {
  const known = importsOf.get(file);
  if (known) return known;
  const found = transpiler
    .scanImports(readFileSync(join(root, file), "utf8"))
    .filter(({ path }) => path.startsWith(".") && path.endsWith(".ts"))
    .map(({ path }) => normalize(join(dirname(file), path)));
  importsOf.set(file, found);
  return found;
}

/**
 * Starts a PostgreSQL as it is installed, with JIT, after installing it if `mayInstall`. Returns why there is none, where that is so: without one
 * nothing tells how whispr-msg does on the servers that people have.
 */
export async function startStockPostgres(
  mayInstall: boolean,
): Promise<TestPostgres | { readonly why: string }> {
  const why = findStockPrograms() || !mayInstall ? null : installStockPrograms();
  if (why !== null) return { why };
  if (!findStockPrograms()) return { why: "none of version 15 or above is installed" };
  const postgres = await startTestPostgres("stock").catch((error: Error) => ({ why: error.message }));
  if ("why" in postgres) return postgres;
  if (await hasJit(postgres.url)) return postgres;
  await postgres.close();
  return { why: "the one that is installed has no JIT (Debian: postgresql-<version>-jit)" };
}
