import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedPostgres } from "../store/embedded/embedded-postgres.ts";

/**
 * A PostgreSQL for one test run, as a process: `bun src/testing/postgres-process.ts` prints its URL as the first line and
 * lives until its standard input ends. So it goes with whoever started it, however that one ended; `bun test` tells nobody of
 * its exit.
 */
async function main(): Promise<void> {
  // A signal to the whole group comes here too, also during the start: who started this decides when it ends.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const dataDir = mkdtempSync(join(tmpdir(), "whispr-test-"));
  const postgres = await EmbeddedPostgres.start({ dataDir, logger: quiet });
  console.log(postgres.url);
  for await (const _ of Bun.stdin.stream());
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
  process.exit(0);
}

const quiet = {
  info: () => {},
  warn: () => {},
  error: (text: string, fields?: object) => console.error(text, fields),
};

await main();
