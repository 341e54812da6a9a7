import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedPostgres } from "../../store/embedded/embedded-postgres.ts";
import { findStockPrograms, type StockServer, startStockServer } from "./stock-postgres.ts";

/**
 * A PostgreSQL for one test run, as a process: `bun src/testing/processes/postgres-process.ts` prints the URL of the embedded one as the first line,
 * with `stock` that of the installed one, and lives until its standard input ends. So it goes with whoever started it, however that one ended; `bun test` tells nobody of
 * its exit.
 */
async function main(): Promise<void> {
  // A signal to the whole group comes here too, also during the start: who started this decides when it ends.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const dataDir = mkdtempSync(join(tmpdir(), "whispr-test-"));
  const postgres = await (process.argv[2] === "stock" ? startStock(dataDir) : startEmbedded(dataDir));
  // Tests make databases and roles.
  console.log("superuserUrl" in postgres ? postgres.superuserUrl : postgres.url);
  for await (const _ of Bun.stdin.stream());
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
  process.exit(0);
}

function startEmbedded(dataDir: string): Promise<EmbeddedPostgres> {
  return EmbeddedPostgres.start({ dataDir, logger: quiet });
}

async function startStock(directory: string): Promise<StockServer> {
  const programs = findStockPrograms();
  if (!programs) throw new Error("no PostgreSQL is installed on this machine");
  return startStockServer(programs, directory);
}

const quiet = {
  info: () => {},
  warn: () => {},
  error: (text: string, fields?: object) => console.error(text, fields),
};

await main();
