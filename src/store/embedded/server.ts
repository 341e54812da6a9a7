import type { ChildProcess } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { withClient } from "../connections/database.ts";
import { accessSettings } from "./access.ts";
import { superuserAt, urlOf } from "./connection.ts";
import type { FileLock } from "./file-lock.ts";
import type { Layout } from "./layout.ts";
import { closePostgresLog, lastLogLines, openPostgresLog } from "./postgres-log.ts";
import { codeOf, type EmbeddedRefusal, startFailed } from "./refusal.ts";
import { maintenanceDatabase } from "./role-names.ts";
import { type RunAs, startProgram } from "./run-as.ts";
import { asArguments, postgresSettings } from "./settings.ts";

/** Crash recovery of the largest WAL that the settings allow takes seconds; a slow disk may take far longer. */
const startTimeoutMs = 180_000;
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 60_000;
const firstPollMs = 4;
const longestPollMs = 50;

export interface ServerPlace {
  readonly layout: Layout;
  readonly tree: string;
  readonly runAs: RunAs;
  readonly socketDirectory: string;
}

/** A postmaster that lives, or lived. `ended` settles when it is gone, whatever its backends do. */
export interface Server {
  readonly child: ChildProcess;
  readonly ended: Promise<string>;
  hasEnded(): boolean;
}

/** Gives the lock away: from here on it is held by the server's processes alone. */
export function startServer(place: ServerPlace, lock: FileLock): Server {
  // Nobody holds the lock, so nobody lives: the number in this file can only be a stranger's by now.
  rmSync(join(place.layout.database, "postmaster.pid"), { force: true });
  const recovering = existsSync(join(place.layout.database, "recovery.signal"));
  const settings = {
    ...postgresSettings({ socketDirectory: place.socketDirectory, recovering }),
    ...accessSettings(place.layout),
  };
  const logFd = openPostgresLog(place.layout);
  try {
    const args = ["-D", place.layout.database, ...asArguments(settings)];
    return watch(startProgram({ ...place, program: "postgres", args, logFd, lockFd: lock.fd }));
  } finally {
    closePostgresLog(logFd);
    lock.release();
  }
}

function watch(child: ChildProcess): Server {
  let over = false;
  const { promise, resolve } = Promise.withResolvers<string>();
  const end = (how: string) => {
    over = true;
    resolve(how);
  };
  child.once("error", (error) => end(error.message));
  child.once("exit", (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  return { child, ended: promise, hasEnded: () => over };
}

/** Until a connection succeeds, recovery included. Throws when the server ends instead, or `signal` says to give up. */
export async function waitUntilReady(server: Server, place: ServerPlace, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  let pollMs = firstPollMs;
  while (!server.hasEnded() && performance.now() < deadline) {
    signal.throwIfAborted();
    if (await isReady(place.socketDirectory)) return;
    await Promise.race([delay(pollMs), server.ended]);
    pollMs = Math.min(longestPollMs, pollMs * 1.25);
  }
  throw notStarted(
    place.layout,
    server.hasEnded() ? await server.ended : `not ready after ${startTimeoutMs} ms`,
  );
}

/** Not yet there, not yet listening, starting up: all the same. Anything else is an answer and is thrown. */
async function isReady(socketDirectory: string): Promise<boolean> {
  const url = urlOf(superuserAt(socketDirectory, maintenanceDatabase));
  try {
    await withClient({ url, connectTimeoutMs, statementTimeoutMs }, "start", (client) =>
      client.query("SELECT 1"),
    );
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code.startsWith("E") || code === "" || code.startsWith("57P") || code === "53300") return false;
    throw error;
  }
}

function notStarted(layout: Layout, how: string): EmbeddedRefusal {
  const { root, log } = layout;
  const lines = lastLogLines(layout);
  return startFailed({ directory: root, log, how: `its PostgreSQL did not start (${how})`, lines });
}
