import { readdirSync, readFileSync } from "node:fs";
import { outsideClient } from "./outside.ts";

/** Processes of this machine as /proc tells of them (Linux). */

/** The pids of all processes whose command line names the text; never this process. */
export function processesNaming(text: string): readonly number[] {
  return allPids().filter((pid) => pid !== process.pid && read(`/proc/${pid}/cmdline`).includes(text));
}

/** The process and all that descend from it, parents first. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map(allPids().map((each) => [each, parentOf(each)]));
  const family = [pid];
  for (const elder of family) {
    for (const [each, parent] of parents) if (parent === elder) family.push(each);
  }
  return family;
}

/** The postmaster behind the URL, which must run on this machine, and its backends. */
export async function postgresBehind(url: string): Promise<readonly number[]> {
  const client = await outsideClient(url);
  try {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    return familyOf(parentOf(rows[0]!.pid));
  } finally {
    await client.end();
  }
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It is gone already.
    }
  }
}

/** Also false for one that ended and was not waited for. */
export function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/status`);
  return status !== "" && !/^State:\s+[ZX]/m.test(status);
}

function allPids(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Empty: the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
