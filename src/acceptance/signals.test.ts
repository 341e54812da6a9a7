import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signalAll } from "../testing/processes/processes.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/** The parent process decides which signals stop the executable. */

const timeoutMs = 180_000;
const directory = mkdtempSync(join(tmpdir(), "whispr-signals-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }), timeoutMs);

async function start(before: readonly string[]): Promise<ServerProcess> {
  const port = await freePort();
  return startServer({
    arguments: ["dev"],
    environment: { WHISPR_DATA_DIR: join(directory, `${port}`), LOG_FORMAT: "json" },
    port,
    command: [...before, ...serverCommand()],
  });
}

/** The signals that began a stop or hastened it. */
function heard(server: ServerProcess): readonly string[] {
  return [...server.output().matchAll(/"signal":"(\w+)"/g)].map(([, signal]) => signal!);
}

function ignoring(...signals: readonly string[]): readonly string[] {
  return ["sh", "-c", `trap '' ${signals.join(" ")}; exec "$@"`, "sh"];
}

const cases: [string, readonly string[], NodeJS.Signals[], NodeJS.Signals][] = [
  ["nohup", ["nohup"], ["SIGHUP"], "SIGTERM"],
  ["a shell that ignores SIGHUP and SIGINT", ignoring("HUP", "INT"), ["SIGHUP", "SIGINT"], "SIGTERM"],
  ["a shell that ignores SIGTERM", ignoring("TERM"), ["SIGTERM"], "SIGINT"],
];

test.each(cases)(
  "started by %s, what was ignored stays ignored, and another signal stops it without a loss",
  async (_, before, ignored, stopping) => {
    await using server = await start(before);
    for (const signal of ignored) process.kill(server.pid, signal);
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
    process.kill(server.pid, stopping);
    expect(await server.exited).toBe(0);
    expect(heard(server)).toEqual([stopping]);
    expect(server.output()).toContain(`"ignoredSignals":"${ignored.toSorted(inOrder).join(", ")}"`);
  },
  timeoutMs,
);

/** As they are listed in the log. */
function inOrder(a: NodeJS.Signals, b: NodeJS.Signals): number {
  const order = ["SIGINT", "SIGTERM", "SIGHUP"];
  return order.indexOf(a) - order.indexOf(b);
}

test.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)(
  "started as usual, %s stops it with 0",
  async (signal) => {
    await using server = await start([]);
    process.kill(server.pid, signal);
    expect(await server.exited).toBe(0);
    expect(heard(server)).toEqual([signal]);
  },
  timeoutMs,
);

test("in the background of a shell without job control, SIGINT does not stop it", async () => {
  await using running = new AsyncDisposableStack();
  const port = await freePort();
  const dataDir = join(directory, "background");
  const script = 'exec 3>&1; "$@" >&3 2>&1 & wait $!';
  const server = await startServer({
    arguments: ["dev"],
    environment: { WHISPR_DATA_DIR: dataDir, LOG_FORMAT: "json" },
    port,
    command: ["sh", "-c", script, "sh", ...serverCommand()],
  });
  running.use(server);
  const pid = Number(/"pid":(\d+)/.exec(server.output())?.[1]);
  running.defer(() => signalAll([pid], "SIGKILL"));
  process.kill(pid, "SIGINT");
  expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  process.kill(pid, "SIGTERM");
  expect(await server.exited).toBe(0);
  expect(heard(server)).toEqual(["SIGTERM"]);
}, 180_000);
