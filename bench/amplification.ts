import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { testKeys } from "../src/testing/builders/tokens.ts";
import { limitsOff } from "../src/testing/costs/limits-off.ts";
import { freePort } from "../src/testing/processes/server.ts";
import { eventRows } from "./amplification/event-rows.ts";
import { junkRows } from "./amplification/junk-rows.ts";
import type { Measured } from "./amplification/measured.ts";
import { Measuring } from "./amplification/measuring.ts";
import { memberRows } from "./amplification/member-rows.ts";
import { operations } from "./amplification/operations.ts";
import { ProcessorClock } from "./amplification/processor-time.ts";
import { protocolRows } from "./amplification/protocol-rows.ts";
import { violations } from "./amplification/report.ts";
import { restRows } from "./amplification/rest-rows.ts";
import type { Row } from "./amplification/row.ts";
import { isRefusal, tablesOf } from "./amplification/tables.ts";
import { World } from "./amplification/world.ts";
import { ServerUnderTest } from "./storm/server-under-test.ts";

/**
 * What each operation brings for what it is asked, at its worst allowed input: `npx bun bench/amplification.ts`, on the compiled executable and
 * the PostgreSQL that it carries. See README.md beside it. Ends with 1 when a row is above a bound. All load stays on 127.0.0.0/8.
 */

const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: "dist/whispr-msg" },
    /** Rows whose operation or input contain this text. */
    only: { type: "string", default: "" },
    env: { type: "string", multiple: true, default: [] },
    json: { type: "string" },
    /** The --json of another executable, shown beside this one's. */
    before: { type: "string" },
  },
});

async function main(): Promise<boolean> {
  const rows = allRows();
  await using opened = new AsyncDisposableStack();
  const keys = await testKeys();
  opened.defer(() => keys.dispose());
  const directory = mkdtempSync(join(tmpdir(), "whispr-amplification-"));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const server = await startServer(directory, keys.jwksFile);
  opened.defer(() => server.end("SIGTERM"));
  if (process.env.AMPLIFICATION_LOG)
    opened.defer(() => writeFileSync(process.env.AMPLIFICATION_LOG!, server.log));
  const world = new World({ url: server.url, keys });
  await world.build(say);
  const measuring = new Measuring({ world, clock: new ProcessorClock(server.pid, directory) });
  await measuring.rest();
  const measured: Measured[] = [];
  for (const row of rows) measured.push(...(await measure(measuring, row)));
  return report(worstOf(measured), server);
}

/** Throws when an operation has no row, or a row no operation. */
function allRows(): readonly Row[] {
  const rows = [...restRows, ...memberRows, ...eventRows, ...protocolRows];
  const missing = [...operations.keys()].filter((name) => !rows.some(({ operation }) => operation === name));
  const unknown = rows.map(({ operation }) => operation).filter((name) => !operations.has(name));
  if (missing.length + unknown.length > 0)
    throw new Error(`without a row: ${missing.join(", ")}; without an operation: ${unknown.join(", ")}`);
  return [...rows, ...junkRows()].filter(({ operation, input }) =>
    `${operation}: ${input}`.includes(options.only),
  );
}

async function measure(measuring: Measuring, row: Row): Promise<readonly Measured[]> {
  try {
    const measured = await measuring.measure(row);
    say(
      `${measured.operation}: ${measured.input}: ${measured.status}, ${measured.serverMs.toFixed(1)} ms ${violations(measured).join()}`,
    );
    return [measured];
  } catch (error) {
    failures++;
    say(`FAILED ${row.operation}: ${row.input}: ${error}`);
    return [];
  }
}

/** Of what is refused everywhere, the dearest input of each operation alone. */
function worstOf(rows: readonly Measured[]): readonly Measured[] {
  const dearest = new Map<string, Measured>();
  for (const row of rows.filter(isRefusal)) {
    const known = dearest.get(row.operation);
    if (!known || row.serverMs > known.serverMs) dearest.set(row.operation, row);
  }
  return [...rows.filter((row) => !isRefusal(row)), ...dearest.values()];
}

function report(rows: readonly Measured[], server: ServerUnderTest): boolean {
  const before = options.before
    ? (JSON.parse(readFileSync(options.before, "utf8")) as readonly Measured[])
    : [];
  console.log(tablesOf(rows, before));
  const above = rows.filter((row) => violations(row).length > 0);
  say(
    `${rows.length} rows, ${above.length} above a bound, ${failures} failed; memory at most ${server.mostMemoryMB} MB; load ${loadavg()[0]}`,
  );
  for (const row of above) say(`above: ${row.operation}: ${row.input}: ${violations(row).join(", ")}`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  return above.length === 0 && failures === 0;
}

async function startServer(directory: string, jwksFile: string): Promise<ServerUnderTest> {
  const environment = Object.fromEntries(
    options.env.map((text) => text.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const server = new ServerUnderTest({
    binary: resolve(options.binary),
    port: await freePort(),
    environment: {
      ...settingsIn({ ...limitsOff, PRESENCE_SHOWN_TO: "members" }),
      // Those who listen send nothing.
      WS_IDLE_TIMEOUT: "1h",
      WHISPR_DATA_DIR: join(directory, "data"),
      JWT_PUBLIC_KEYS_FILE: jwksFile,
      ADMIN_PORT: String(await freePort()),
      ...environment,
    },
  });
  await server.start();
  return server;
}

/** Those that the executable knows: an older one refuses others. */
function settingsIn(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const known = spawnSync(resolve(options.binary), ["config"], { env: {}, encoding: "utf8" }).stdout;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => known.includes(name)));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

let failures = 0;
const isWithin = await main();
process.exit(isWithin ? 0 : 1);
