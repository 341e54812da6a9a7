import { readdirSync, readFileSync } from "node:fs";
import { reap } from "./libc.ts";

const initPid = 1;
const pauseMs = 5_000;

/**
 * Reaps orphans while this process is process 1 of a container: the kernel gives them to it (the backends of a postmaster that
 * was killed, what `docker exec` left), and each stays a zombie until somebody waits for it. Anywhere else the machine's
 * init does that, and this does nothing.
 */
export class Orphans {
  readonly #ownChildren: () => readonly number[];
  readonly #timer: NodeJS.Timeout | null;

  /** `ownChildren`: what Bun started and waits for itself. Taking their exit codes away would leave it waiting for ever. */
  constructor(ownChildren: () => readonly number[]) {
    this.#ownChildren = ownChildren;
    this.#timer = process.pid === initPid ? setInterval(() => this.reap(), pauseMs) : null;
    this.#timer?.unref();
  }

  /** Waits for each orphan that has ended. Takes a look at every process of the container: about 20 µs each. */
  reap(): void {
    if (this.#timer === null) return;
    const own = new Set(this.#ownChildren());
    for (const pid of endedChildren()) if (!own.has(pid)) reap(pid);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }
}

function endedChildren(): readonly number[] {
  const pids = readdirSync("/proc").map(Number);
  return pids.filter((pid) => pid > initPid && isEndedChild(pid));
}

/** proc(5): `pid (name) state ppid …`, where the name may hold anything. */
function isEndedChild(pid: number): boolean {
  const [state, parent] = statOf(pid).split(") ").at(-1)?.split(" ") ?? [];
  return state === "Z" && Number(parent) === process.pid;
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}
