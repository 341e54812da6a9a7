import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { testKeys } from "../src/testing/builders/tokens.ts";
import { freePort } from "../src/testing/processes/server.ts";
import { ClientProcess } from "./storm/client-process.ts";
import { readOptions, type StormOptions } from "./storm/options.ts";
import { Population } from "./storm/population.ts";
import { latenciesBetween, returnsSince, type StormReport, sums, tableOf, together } from "./storm/report.ts";
import { ServerUnderTest } from "./storm/server-under-test.ts";
import type { Person } from "./storm/stock-client.ts";

/**
 * How fast stock clients are back after the server was killed, and what the others feel of it: `npx bun bench/storm.ts`, on the compiled
 * executable with default settings. See README.md beside it. All load stays on 127.0.0.0/8 and ends with the command.
 */

/** So that the first arrival, which is not measured, is no storm of its own. */
const arrivalsPerSecond = 500;
const longestReturnMs = 180_000;

async function main(options: StormOptions): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const keys = await testKeys();
  opened.defer(() => keys.dispose());
  const server = await startServer(options, keys.jwksFile, opened);
  say("making users and conversations");
  const population = new Population({ url: server.url, keys });
  const [people, others] = await peopleOf(population, options);
  say("everybody connects");
  const storm = await connectAll(server, people, options, 0, opened);
  const [bystanders] = await connectAll(server, others, options, options.messagesPerSecond, opened);
  const report = await measure({ options, server, storm, bystanders: bystanders! });
  console.log(tableOf(report));
  console.log(JSON.stringify(report));
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (process.env.STORM_LOG) writeFileSync(process.env.STORM_LOG, server.log);
}

async function startServer(
  { binary, databaseUrl, environment }: StormOptions,
  jwksFile: string,
  opened: AsyncDisposableStack,
): Promise<ServerUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "whispr-storm-"));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const database = databaseUrl
    ? { DATABASE_URL: databaseUrl, WHISPR_AUTO_MIGRATE: "1" }
    : { WHISPR_DATA_DIR: join(directory, "data") };
  const server = new ServerUnderTest({
    binary: resolve(binary),
    port: await freePort(),
    environment: {
      ...database,
      JWT_PUBLIC_KEYS_FILE: jwksFile,
      ADMIN_PORT: String(await freePort()),
      ...environment,
    },
  });
  opened.defer(() => server.end("SIGTERM"));
  await server.start();
  return server;
}

async function peopleOf(
  population: Population,
  options: StormOptions,
): Promise<readonly [readonly Person[], readonly Person[]]> {
  const people = await population.people(options.clients, options);
  const others = await population.people(options.bystanders, { directs: 1, groups: [] });
  if (!options.oneAddress) return [people, others];
  return [people.map((person) => ({ ...person, from: "127.0.0.1" })), others];
}

async function connectAll(
  server: ServerUnderTest,
  people: readonly Person[],
  options: StormOptions,
  messagesPerSecond: number,
  opened: AsyncDisposableStack,
): Promise<readonly ClientProcess[]> {
  const { hostname, port } = new URL(server.url);
  const most = messagesPerSecond > 0 ? people.length : options.clientsOfProcess;
  const count = Math.max(1, Math.ceil(people.length / Math.max(1, most)));
  const processes = Array.from({ length: count }, () => new ClientProcess());
  for (const each of processes) opened.defer(() => each.end());
  const returned = processes.map((each, index) => {
    const own = people.slice(index * most, (index + 1) * most);
    if (own.length === 0) return Promise.resolve();
    const all = each.allReturned();
    const to = { hostname, port: Number(port) };
    const perSecond = arrivalsPerSecond / count;
    each.tell({ type: "start", to, people: own, perSecond, messagesPerSecond });
    return all;
  });
  await within("everybody to be connected", Promise.all(returned), processes);
  return processes;
}

async function measure(given: {
  readonly options: StormOptions;
  readonly server: ServerUnderTest;
  readonly storm: readonly ClientProcess[];
  readonly bystanders: ClientProcess;
}): Promise<StormReport> {
  const { options, server, storm, bystanders } = given;
  await Bun.sleep(3_000);
  const all = [...storm, bystanders];
  for (const each of all) each.tell({ type: "reset" });
  const [machineLoadBefore] = loadavg();
  const calmFromMs = now();
  say("calm");
  await Bun.sleep(options.calmMs);
  const calm = await bystanders.report();
  for (const each of all) each.tell({ type: "reset" });
  await Bun.sleep(100);
  const cpuBefore = server.cpuSeconds;
  const postgresBefore = server.postgresCpuSeconds;
  say("storm");
  const returned = within("all to be back", Promise.all(storm.map((each) => each.allReturned())), storm);
  const lostAtMs = now();
  const readyAtMs = await loss(options, server, storm, lostAtMs);
  await returned;
  const backAtMs = now();
  await Bun.sleep(2_000);
  const came = together(await Promise.all(storm.map((each) => each.report())));
  const others = await bystanders.report();
  return {
    mode: options.mode,
    clients: options.clients,
    topicsOfEach: 1 + options.directs + options.groups.length,
    downMs: Math.round(readyAtMs - lostAtMs),
    returnedFromReadyMs: returnsSince(came.returnedAtMs, readyAtMs),
    returnedFromLossMs: returnsSince(came.returnedAtMs, lostAtMs),
    refusedHandshakes: came.refusedHandshakes,
    retryAfterSeconds: came.retryAfter,
    failedConnections: came.failedConnections,
    refusedJoins: came.refusedJoins,
    timedOutJoins: came.timedOutJoins,
    bystanders: {
      calm: latenciesBetween(calm.sent, calmFromMs, Number.POSITIVE_INFINITY),
      storm: latenciesBetween(others.sent, readyAtMs, backAtMs),
      refused: sums([others.refusedHandshakes, others.refusedJoins]),
    },
    server: {
      mostMemoryMB: server.mostMemoryMB,
      cpuSeconds: Number((server.cpuSeconds - (options.mode === "kill" ? 0 : cpuBefore)).toFixed(2)),
      postgresCpuSeconds: Number(
        (server.postgresCpuSeconds - (options.mode === "kill" ? 0 : postgresBefore)).toFixed(2),
      ),
    },
    machineLoadBefore: machineLoadBefore ?? 0,
  };
}

/** Takes the clients away. Returns since when the server accepts them again. */
async function loss(
  { mode }: StormOptions,
  server: ServerUnderTest,
  storm: readonly ClientProcess[],
  nowMs: number,
): Promise<number> {
  if (mode === "kill") {
    await server.end("SIGKILL");
    return await server.start();
  }
  for (const each of storm) each.tell({ type: "cut" });
  return nowMs;
}

/** Throws with what the processes counted when that takes too long. */
async function within<T>(what: string, work: Promise<T>, processes: readonly ClientProcess[]): Promise<T> {
  const late = Bun.sleep(longestReturnMs).then(async () => {
    const { returnedAtMs, sent, ...counts } = together(
      await Promise.all(processes.map((each) => each.report())),
    );
    const seen = JSON.stringify({ returned: returnedAtMs.length, sent: sent.length, ...counts });
    throw new Error(`waited ${longestReturnMs / 1_000} s for ${what}: ${seen}`);
  });
  return await Promise.race([work, late]);
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main(readOptions(process.argv.slice(2)));
process.exit();
