import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Random } from "../builders/random.ts";
import type { VirtualClock } from "../clock.ts";

/** How likely each misbehaviour is, from 0 to 1. */
export interface Faults {
  /** A batch fails before it is stored, and says so. */
  readonly again: number;
  /** The connection is lost under a batch: before it, after it, or while it is still on its way. */
  readonly lost: number;
  /** A batch hangs for seconds before its outcome is unknown. */
  readonly hangs: number;
  /** A call takes ten times as long. */
  readonly slow: number;
  /** Another process has taken the shards; half of the time it has also written. */
  readonly rival: number;
  /** Reads, probes and take-overs fail. */
  readonly reads: number;
}

export const noFaults: Faults = { again: 0, lost: 0, hangs: 0, slow: 0, rival: 0, reads: 0 };

/** The way to the store: it delays calls and loses them, in virtual time. */
export class StoreWire {
  readonly clock: VirtualClock;
  readonly random: Random;
  faults: Faults;

  constructor(options: {
    readonly clock: VirtualClock;
    readonly random: Random;
    readonly faults?: Faults;
  }) {
    this.clock = options.clock;
    this.random = options.random;
    this.faults = options.faults ?? noFaults;
  }

  /** Does a call at one instant, and answers later, or not at all. */
  async call<T>(work: () => T | Promise<T>): Promise<T> {
    await this.travel();
    if (this.random.chance(this.faults.reads)) {
      if (this.random.chance(0.5)) await work();
      throw new StoreUnavailable({ cause: new Error("connection terminated") });
    }
    const answer = await work();
    await this.travel();
    return answer;
  }

  travel(): Promise<void> {
    const longestMs = this.random.chance(this.faults.slow) ? 100 : 10;
    return this.clock.sleep(this.random.below(longestMs));
  }
}

/** Returns a port of the store whose calls go over the wire. Its methods can be replaced. */
export function overWire<Port extends object>(port: Port, wire: StoreWire): Port {
  const calls = methodsOf(port).map((name) => {
    const call = Reflect.get(port, name) as (...given: unknown[]) => unknown;
    return [name, (...given: unknown[]) => wire.call(() => call.apply(port, given))] as const;
  });
  return Object.fromEntries(calls) as Port;
}

function methodsOf(port: object): string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(port)).filter((name) => name !== "constructor");
}
