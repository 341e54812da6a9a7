import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../testing/eventually.ts";
import { testDatabase } from "../testing/processes/database.ts";
import { isRoot } from "../testing/processes/isolated-binary.ts";
import { familyOf } from "../testing/processes/processes.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/** The executable as process 1 of a container: orphans become its children, and nobody but it can wait for them. */

const timeoutMs = 180_000;
const directory = mkdtempSync(join(tmpdir(), "whispr-init-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }), timeoutMs);

const namespace = [
  "unshare",
  ...(isRoot ? [] : ["--user", "--map-root-user"]),
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
];

async function startAsInit(
  environment: Readonly<Record<string, string>>,
  running: AsyncDisposableStack,
  before: readonly string[] = [],
): Promise<ServerProcess> {
  const port = await freePort();
  const server = await startServer({
    arguments: ["dev"],
    environment: { LOG_FORMAT: "json", WHISPR_DATA_DIR: join(directory, `${port}`), ...environment },
    port,
    command: [...namespace, ...before, ...serverCommand()],
  });
  running.use(server);
  expect(server.output()).toContain('"pid":1,');
  return server;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

const named = (server: ServerProcess, pattern: RegExp) =>
  familyOf(server.pid).filter((pid) => pattern.test(statusOf(pid)));
const zombies = (server: ServerProcess) => named(server, /^State:\s+Z/m);

/** Outside of the namespace: the child of the executable that is called so and has children of its own. */
function postmasterOf(server: ServerProcess): number {
  return named(server, /^Name:\s+postgres$/m).find((pid) => familyOf(pid).length > 1)!;
}

test(
  "a postmaster that is killed leaves no zombies behind, each time, and is started again each time",
  async () => {
    await using running = new AsyncDisposableStack();
    const server = await startAsInit({}, running);
    const restarts = () => server.output().split('"event":"embedded_postgres_restarted"').length - 1;
    for (let round = 1; round <= 3; round++) {
      process.kill(postmasterOf(server), "SIGKILL");
      await eventually("it to be started again", () => restarts() === round);
      await eventually("no zombie to be left", () => zombies(server).length === 0);
    }
    await eventually("it to be ready", async () => (await fetch(`${server.url}/ready`)).ok);
    // The line is throttled; each restart began with the exit that Bun reported.
    const ends = new Set(server.output().match(/"how":"[^"]*"/g));
    expect([...ends]).toEqual(['"how":"signal SIGKILL"']);
  },
  timeoutMs,
);

test(
  "an orphan that has nothing to do with a database is reaped too",
  async () => {
    const database = await testDatabase();
    await using running = new AsyncDisposableStack();
    running.defer(() => database.close());
    // Its parent ends at once, so that it is an orphan.
    const leaveAnOrphan = ["sh", "-c", '(sleep 600 &); exec "$@"', "sh"];
    const server = await startAsInit({ DATABASE_URL: database.url }, running, leaveAnOrphan);
    const [orphan, ...others] = named(server, /^Name:\s+sleep$/m);
    expect(others).toEqual([]);
    process.kill(orphan!, "SIGKILL");
    await eventually("the orphan to be gone", () => named(server, /^Name:\s+sleep$/m).length === 0);
  },
  timeoutMs,
);
