import { readdirSync, readFileSync } from "node:fs";
import { familyOf, processesNaming } from "../../src/testing/processes.ts";

/** Milliseconds of processor time since some start: subtract two of them. */
export interface ProcessorTime {
  readonly atMs: number;
  /** Of all threads of the server. */
  readonly serverMs: number;
  /** Of its event loop alone: while it works on one request, all others wait. */
  readonly loopMs: number;
  /** Of the PostgreSQL that it carries. */
  readonly postgresMs: number;
}

/** Reads what the server's processes have used, to the nanosecond (`schedstat`): the clock ticks of `stat` are 10 ms. */
export class ProcessorClock {
  readonly #pid: number;
  readonly #postgres: readonly number[];

  /** `directory`: the data directory that PostgreSQL's command line names. */
  constructor(pid: number, directory: string) {
    this.#pid = pid;
    const named = processesNaming(directory).filter((each) => each !== pid);
    this.#postgres = [...new Set(named.flatMap(familyOf))];
  }

  read(): ProcessorTime {
    return {
      atMs: performance.now(),
      serverMs: ofProcess(this.#pid),
      loopMs: ofThread(this.#pid, this.#pid),
      postgresMs: this.#postgres.reduce((sum, pid) => sum + ofProcess(pid), 0),
    };
  }
}

/** What was used between two readings. */
export function used(from: ProcessorTime, to: ProcessorTime): ProcessorTime {
  return {
    atMs: to.atMs - from.atMs,
    serverMs: to.serverMs - from.serverMs,
    loopMs: to.loopMs - from.loopMs,
    postgresMs: to.postgresMs - from.postgresMs,
  };
}

function ofProcess(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + ofThread(pid, thread), 0);
  } catch {
    return 0;
  }
}

/** 0: it is gone. */
function ofThread(pid: number, thread: number | string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    return 0;
  }
}
