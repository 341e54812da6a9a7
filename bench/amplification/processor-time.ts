import { readdirSync, readFileSync } from "node:fs";
import { familyOf, processesNaming } from "../../src/testing/processes/processes.ts";

/** What processes had used at one moment. */
export interface Reading {
  readonly atMs: number;
  readonly serverMs: number;
  readonly loopMs: number;
  /** By process: PostgreSQL has one for each connection, which come and go. */
  readonly postgresMs: ReadonlyMap<number, number>;
}

/** Milliseconds of processor time. */
export interface ProcessorTime {
  /** Of the clock on the wall, meanwhile. */
  readonly elapsedMs: number;
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
  readonly #postmasters: readonly number[];

  /** `directory`: the data directory that PostgreSQL's command line names. */
  constructor(pid: number, directory: string) {
    this.#pid = pid;
    this.#postmasters = processesNaming(directory).filter((each) => each !== pid);
  }

  read(): Reading {
    const postgres = new Set(this.#postmasters.flatMap(familyOf));
    return {
      atMs: performance.now(),
      serverMs: ofProcess(this.#pid),
      loopMs: ofThread(this.#pid, this.#pid),
      postgresMs: new Map([...postgres].map((pid) => [pid, ofProcess(pid)])),
    };
  }
}

/** What was used between two readings. */
export function used(from: Reading, to: Reading): ProcessorTime {
  return {
    elapsedMs: to.atMs - from.atMs,
    serverMs: to.serverMs - from.serverMs,
    loopMs: to.loopMs - from.loopMs,
    postgresMs: [...to.postgresMs].reduce((sum, [pid, ms]) => sum + ms - (from.postgresMs.get(pid) ?? 0), 0),
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
