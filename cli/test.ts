// The whole suite with all that it needs: checks, one build for the black-box tests, one PostgreSQL, then every test file.
// `npm test -- src/auth` runs a part of the tests. The last line is "N passed, N failed". Not a command of the product.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestPostgres, testDatabaseVariable } from "../src/testing/database.ts";
import { binary, build } from "./build.ts";
import { runChecks } from "./check.ts";
import { countTests, type TestCounts } from "./test-counts.ts";

const root = join(import.meta.dir, "..");
const binaryVariable = "WHISPR_TEST_BINARY";
/** The longest of a single test, where it does not say more itself. */
const testTimeoutMs = 30_000;

async function main(filters: readonly string[]): Promise<void> {
  const failedSteps = [...(await runChecks()), ...(await buildOnce())];
  const counts = await runTests(filters);
  for (const step of failedSteps) console.log(`FAILED: ${step}`);
  const failed = counts.failed + failedSteps.length;
  process.exitCode = failed > 0 || counts.passed === 0 ? 1 : 0;
  console.log(`${counts.passed} passed, ${failed} failed`);
}

/** Names of what failed. A binary that was named from outside is tested as it is. */
async function buildOnce(): Promise<readonly string[]> {
  if (process.env[binaryVariable]) return [];
  process.stderr.write("building dist/whispr-msg ...\n");
  try {
    await build();
    return [];
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return ["build"];
  }
}

async function runTests(filters: readonly string[]): Promise<TestCounts> {
  const directory = await mkdtemp(join(tmpdir(), "whispr-tests-"));
  const postgres = process.env[testDatabaseVariable] ? null : await startTestPostgres();
  const environment = {
    ...process.env,
    [binaryVariable]: process.env[binaryVariable] ?? binary,
    [testDatabaseVariable]: process.env[testDatabaseVariable] ?? postgres?.url,
  };
  try {
    return await runBunTest(filters, join(directory, "junit.xml"), environment);
  } finally {
    await postgres?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function runBunTest(
  filters: readonly string[],
  report: string,
  environment: Record<string, string | undefined>,
): Promise<TestCounts> {
  const reporting = ["--reporter=junit", `--reporter-outfile=${report}`];
  const command = [
    process.execPath,
    "test",
    "--isolate",
    `--timeout=${testTimeoutMs}`,
    ...reporting,
    ...filters,
  ];
  const child = Bun.spawn(command, { cwd: root, env: environment, stdio: ["ignore", "inherit", "inherit"] });
  const forward = () => child.kill("SIGTERM");
  process.on("SIGINT", forward).on("SIGTERM", forward);
  const code = await child.exited;
  const file = Bun.file(report);
  const counts = (await file.exists()) ? countTests(await file.text()) : { passed: 0, failed: 0 };
  // A file that cannot be loaded, or a run that was cut short, is no test case of its own.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

await main(process.argv.slice(2));
