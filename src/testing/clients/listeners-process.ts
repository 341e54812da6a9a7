import { Listener, type Listening } from "../processes/listener.ts";

/**
 * Listeners in a process of their own, which can be stopped as a whole: `bun src/testing/clients/listeners-process.ts`. The first line of its
 * standard input tells of them as JSON; it answers `live`, and each further line with a report. It ends with its input.
 */
export interface ListenersReport {
  /** How many messages each has. */
  readonly counts: readonly number[];
  readonly closed: number;
  readonly violations: readonly string[];
}

async function main(): Promise<void> {
  let listeners: readonly Listener[] = [];
  for await (const line of console) {
    if (listeners.length === 0) {
      listeners = (JSON.parse(line) as Listening[]).map((each) => new Listener(each));
      await Promise.all(listeners.map((listener) => listener.connect()));
      console.log("live");
    } else console.log(JSON.stringify(reportOf(listeners)));
  }
  process.exit(0);
}

function reportOf(listeners: readonly Listener[]): ListenersReport {
  return {
    counts: listeners.map(({ seqs }) => seqs.size),
    closed: listeners.filter(({ wasClosed }) => wasClosed).length,
    violations: listeners.flatMap(({ violations }) => violations).slice(0, 10),
  };
}

if (import.meta.main) await main();
