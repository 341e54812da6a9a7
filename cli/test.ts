// The whole suite with all that it needs: checks, one build for the black-box tests, one PostgreSQL, then every test file; then those that
// touch the database again, on a PostgreSQL as the system ships it, where one is installed. `npm test -- src/auth` runs a part of the tests,
// `-- --embedded` the first run alone, `-- --stock` the second; `--install` gets a PostgreSQL, and promtool, with apt where there is none.
// The last line is "N passed, N failed". Not a command of the product.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notRunVariable } from "../src/testing/not-run.ts";
import { startTestPostgres, testDatabaseVariable } from "../src/testing/processes/database.ts";
import { fetchPromtool, findPromtool } from "../src/testing/processes/promtool.ts";
import { binary, build } from "./build.ts";
import { runChecks } from "./check.ts";
import { startStockPostgres, testsOfDatabase } from "./stock-tests.ts";
import { countTests, type FailedTest, failedTests, type TestCounts } from "./test-counts.ts";
import { type WantedRuns, wantedRuns } from "./test-runs.ts";

const root = join(import.meta.dir, "..");
const binaryVariable = "WHISPR_TEST_BINARY";
/** The longest of a single test, where it does not say more itself. */
const testTimeoutMs = 120_000;

async function main({ first, second, mayInstall, filters }: WantedRuns): Promise<void> {
  const failedSteps = [...(await runChecks()), ...(await buildOnce()), ...lookForPromtool(mayInstall)];
  const runs: TestRun[] = [];
  if (first) runs.push(await runOnEmbedded(filters));
  const again = second === "no" ? null : await runOnStock(filters, mayInstall);
  if (again && "passed" in again) runs.push(again);
  else if (again) failedSteps.push(...notRun(`${secondRun}: ${again.why}`, second === "must", installIt));
  for (const step of failedSteps) console.log(`FAILED: ${step}`);
  for (const { file, name, why } of runs.flatMap((each) => each.failures))
    console.log(`FAILED: ${file}: ${name}\n${cut(why).replace(/^/gm, "  ")}`);
  const passed = sum(runs.map((each) => each.passed));
  const failed = sum(runs.map((each) => each.failed)) + failedSteps.length;
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed} failed`);
}

interface TestRun extends TestCounts {
  readonly failures: readonly FailedTest[];
}

/** Whoever reads the end of a long log finds there why it failed; the whole error stands further up. */
function cut(why: string): string {
  return why.length > 3000 ? `${why.slice(0, 3000)} ...` : why;
}

const secondRun = "the second run, on a PostgreSQL as Debian ships it";
const installIt = "Install one (Debian: apt install postgresql), or run .ci/run as root.";

/** Says so where it is no failure: a developer's machine may lack what CI must have. */
function notRun(text: string, isFailure: boolean, wayOut: string): readonly string[] {
  if (isFailure) return [text];
  console.log(`NOT RUN: ${text}. ${wayOut}`);
  return [];
}

/** A test asks it about `/metrics`, where it is there. */
function lookForPromtool(mayFetch: boolean): readonly string[] {
  if (findPromtool()) return [];
  const why = mayFetch ? fetchPromtool() : "it is not installed";
  if (why === null) return [];
  const wayOut = "Install it (Debian: apt install prometheus), or run .ci/run.";
  return notRun(`promtool check metrics: ${why}`, process.env.CI === "true", wayOut);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

async function runOnEmbedded(filters: readonly string[]): Promise<TestRun> {
  const given = process.env[testDatabaseVariable];
  if (given) return runTests(filters, given);
  const postgres = await startTestPostgres();
  return runTests(filters, postgres.url).finally(() => postgres.close());
}

async function runOnStock(
  filters: readonly string[],
  mayInstall: boolean,
): Promise<TestRun | { readonly why: string }> {
  process.stderr.write("the tests of the database again, on the PostgreSQL that is installed ...\n");
  const postgres = await startStockPostgres(mayInstall);
  if ("why" in postgres) return postgres;
  const files = filters.length > 0 ? filters : testsOfDatabase().map((file) => `./${file}`);
  return runTests(files, postgres.url).finally(() => postgres.close());
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

/** Two files at a time: they wait for the database and for processes more than they compute. */
async function runTests(files: readonly string[], databaseUrl: string): Promise<TestRun> {
  const directory = await mkdtemp(join(tmpdir(), "whispr-tests-"));
  const notRunFile = Bun.file(join(directory, "not-run.txt"));
  const environment = {
    ...process.env,
    [notRunVariable]: notRunFile.name,
    [binaryVariable]: process.env[binaryVariable] ?? binary,
    [testDatabaseVariable]: databaseUrl,
  };
  try {
    return await runBunTest(["--parallel=2", ...files], join(directory, "junit.xml"), environment);
  } finally {
    if (await notRunFile.exists()) process.stdout.write(await notRunFile.text());
    await rm(directory, { recursive: true, force: true });
  }
}

async function runBunTest(
  options: readonly string[],
  report: string,
  environment: Record<string, string | undefined>,
): Promise<TestRun> {
  const reporting = ["--reporter=junit", `--reporter-outfile=${report}`];
  const command = [
    process.execPath,
    "test",
    "--isolate",
    `--timeout=${testTimeoutMs}`,
    ...reporting,
    ...options,
  ];
  const child = Bun.spawn(command, { cwd: root, env: environment, stdio: ["ignore", "inherit", "inherit"] });
  const forward = () => child.kill("SIGTERM");
  process.on("SIGINT", forward).on("SIGTERM", forward);
  const code = await child.exited;
  const file = Bun.file(report);
  const junit = (await file.exists()) ? await file.text() : "<testsuites >";
  const run = { ...countTests(junit), failures: failedTests(junit) };
  if (code === 0 || run.failed > 0) return run;
  const why = "a file could not be loaded, or the run was cut short: the log above says which";
  return { ...run, failed: 1, failures: [{ file: "bun test", name: `exit code ${code}`, why }] };
}

await main(wantedRuns(process.argv.slice(2), process.env));
