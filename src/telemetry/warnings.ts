import { Counter } from "prom-client";
import type { Logger } from "./logger.ts";

/** Between two lines of the same event. */
const pauseMs = 10_000;

interface Seen {
  total: number;
  /** Since the last line. */
  suppressed: number;
  writtenMs: number;
}

/**
 * Failures that an operator must know of, by event name. Writes the first of each name at once and then at most one line in 10 s, with how
 * many were left out; counts all of them in `whispr_warnings_total`. The names are spelled out in the source, so they are few.
 */
export class Warnings {
  readonly #logger: Pick<Logger, "warn">;
  readonly #monotonicMs: () => number;
  readonly #seen = new Map<string, Seen>();

  constructor(options: { readonly logger: Pick<Logger, "warn">; readonly monotonicMs: () => number }) {
    this.#logger = options.logger;
    this.#monotonicMs = options.monotonicMs;
  }

  warn(event: string, fields: Readonly<Record<string, string | number | boolean>> = {}): void {
    const seen = this.#seenOf(event);
    const nowMs = this.#monotonicMs();
    seen.total++;
    if (nowMs - seen.writtenMs < pauseMs) {
      seen.suppressed++;
      return;
    }
    this.#logger.warn(event, seen.suppressed > 0 ? { ...fields, suppressed: seen.suppressed } : fields);
    seen.suppressed = 0;
    seen.writtenMs = nowMs;
  }

  asMetric(): Counter {
    const seen = this.#seen;
    return new Counter({
      name: "whispr_warnings_total",
      help: "Failures that an operator must know of, by the event name of their log line",
      labelNames: ["event"],
      registers: [],
      collect() {
        this.reset();
        for (const [event, { total }] of seen) this.inc({ event }, total);
      },
    });
  }

  #seenOf(event: string): Seen {
    let seen = this.#seen.get(event);
    if (!seen) {
      seen = { total: 0, suppressed: 0, writtenMs: Number.NEGATIVE_INFINITY };
      this.#seen.set(event, seen);
    }
    return seen;
  }
}
