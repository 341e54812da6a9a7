import { readdirSync, readFileSync, statSync } from "node:fs";

const ofThisProcess = "/proc/self/fd";
/** How many times as long as it took to list the descriptors their number is used again: listing takes at most 5 % of the time. */
const reuseFactor = 20;

/** Where the number of open descriptors is read. */
interface Source {
  /** Their number from Linux 6.2 on; 0 before. */
  size(): number;
  /** Lists all of them: 5 ms for 5,000. */
  listed(): number;
}

/**
 * Counts the files and connections that this process has open. Linux tells their number from 6.2 on (Debian 12 has 6.1); before that they are listed,
 * and as that takes the longer the more there are, the number may be up to 20 times as old as it took to list them: 0.1 s for 5,000.
 */
export class OpenDescriptors {
  readonly #source: Source;
  readonly #monotonicMs: () => number;
  #listed = 0;
  #listAgainMs = Number.NEGATIVE_INFINITY;

  constructor({ source = linux, monotonicMs = () => performance.now() }: Partial<Options> = {}) {
    this.#source = source;
    this.#monotonicMs = monotonicMs;
  }

  count(): number {
    try {
      return this.#source.size() || this.#countListed();
    } catch (error) {
      // Without one left, not even their list can be opened.
      return error instanceof Error && "code" in error && error.code === "EMFILE"
        ? Number.POSITIVE_INFINITY
        : 0;
    }
  }

  #countListed(): number {
    const beganMs = this.#monotonicMs();
    if (beganMs < this.#listAgainMs) return this.#listed;
    this.#listed = this.#source.listed();
    const endedMs = this.#monotonicMs();
    this.#listAgainMs = endedMs + reuseFactor * (endedMs - beganMs);
    return this.#listed;
  }
}

interface Options {
  readonly source: Source;
  readonly monotonicMs: () => number;
}

const linux: Source = {
  size: () => statSync(ofThisProcess).size,
  // The list has the descriptor that it is read by.
  listed: () => readdirSync(ofThisProcess).length - 1,
};

/** How many it may have open. Bun has raised it as far as the system allows (the hard limit). */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(soft) || Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
