import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { Histogram } from "./histogram.ts";
import { LineBudget } from "./line-budget.ts";
import type { Logger } from "./logger.ts";
import { Warnings } from "./warnings.ts";

const secondsUpTo = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const rowsUpTo = [1, 2, 5, 10, 25, 50, 100, 200, 300, 400, 500, 1_000, 5_000];
const linesPerSecond = 50;

/** Totals since the start. Plain numbers: the hot path only adds to them, the scrape reads them. */
class Totals {
  accepted = 0;
  acknowledged = 0;
  duplicates = 0;
  batchesFailed = 0;
  actorsLoaded = 0;
  actorsPassivated = 0;
  malformedFrames = 0;
  slowConsumersClosed = 0;
  bugs = 0;
}

const totals: Readonly<Record<keyof Totals, readonly [name: string, help: string]>> = {
  accepted: ["whispr_commands_accepted_total", "Commands that were taken into a mailbox"],
  acknowledged: ["whispr_commands_acknowledged_total", "Commands whose result left, durable"],
  duplicates: ["whispr_commands_duplicate_total", "Commands that were answered with the earlier message"],
  batchesFailed: ["whispr_batches_failed_total", "Batches that were not stored at the first try"],
  actorsLoaded: ["whispr_actors_loaded_total", "Conversations that were loaded into memory"],
  actorsPassivated: ["whispr_actors_passivated_total", "Conversations that left memory to make room"],
  malformedFrames: ["whispr_malformed_frames_total", "WebSocket frames that were no Phoenix message"],
  slowConsumersClosed: [
    "whispr_slow_consumers_closed_total",
    "Sockets closed because too much waited for them",
  ],
  bugs: ["whispr_internal_errors_total", "Exceptions that were no refusal: each is a bug"],
};

const gaugeHelp: Readonly<Record<string, string>> = {
  lane_queue_rows: "Rows that wait for the next commit",
  mailbox_turns: "Commands that are not settled yet, in all mailboxes",
  actors: "Conversations in memory",
  sockets: "Open WebSockets",
  online_users: "Users with a socket on a topic, or who had one two seconds ago",
  loop_lateness_seconds: "The latest that the event loop was since the last scrape",
  keys_age_seconds:
    "Since the keys that tokens are verified with were last read; since the start while they never were",
  ready: "1 when this process takes traffic",
};

/** What the process tells of itself: figures for `/metrics`, lines for the log. Fits the observer port of the core. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #totals = new Totals();
  readonly #refused = new Map<string, number>();
  readonly #unknownFields = new Map<string, number>();
  readonly #gauges = new Map<string, () => number>();
  readonly #ackSeconds = new Histogram({
    name: "whispr_ack_seconds",
    help: "From a command's arrival to its answer",
    upTo: secondsUpTo,
  });
  readonly #batchRows = new Histogram({
    name: "whispr_batch_rows",
    help: "Rows of one commit",
    upTo: rowsUpTo,
  });
  readonly #batchSeconds = new Histogram({
    name: "whispr_batch_seconds",
    help: "Round trip of one commit",
    upTo: secondsUpTo,
  });
  readonly #logger: Logger;
  readonly #lines: LineBudget;
  readonly #warnings: Warnings;

  constructor(options: {
    readonly logger: Logger;
    /** For the budget of lines. */
    readonly monotonicMs?: () => number;
  }) {
    const { logger, monotonicMs = () => performance.now() } = options;
    this.#logger = logger;
    this.#lines = new LineBudget({ perSecond: linesPerSecond, monotonicMs });
    this.#warnings = new Warnings({ logger, monotonicMs });
    this.#registry.registerMetric(this.#warnings.asMetric());
    this.#registerTotals();
    this.#registerCounts("whispr_refused_total", "Refusals by their code", "code", this.#refused);
    this.#registerCounts(
      "whispr_unknown_fields_total",
      "Fields and query parameters of requests that were ignored, because their operation does not know them",
      "operation",
      this.#unknownFields,
    );
    for (const histogram of [this.#ackSeconds, this.#batchRows, this.#batchSeconds]) {
      this.#registry.registerMetric(histogram.asMetric());
    }
    // Brings CPU, memory, descriptors and the loop's delay (`nodejs_eventloop_lag_*`, reset by each scrape).
    collectDefaultMetrics({ register: this.#registry });
  }

  commandAccepted(): void {
    this.#totals.accepted++;
  }

  commandAcknowledged(tookMs: number): void {
    this.#totals.acknowledged++;
    this.#ackSeconds.observe(tookMs / 1_000);
  }

  commandDuplicate(): void {
    this.#totals.duplicates++;
  }

  /** `code` comes from the closed table of refusals, so the series are as many. */
  refused(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  /** `operation` is a name of the source, so the series are as many as there are operations. */
  unknownFields(operation: string, count: number): void {
    this.#unknownFields.set(operation, (this.#unknownFields.get(operation) ?? 0) + count);
  }

  batchCommitted(rows: number, tookMs: number): void {
    this.#batchRows.observe(rows);
    this.#batchSeconds.observe(tookMs / 1_000);
  }

  batchFailed(kind: string): void {
    this.#totals.batchesFailed++;
    this.note("a batch was not stored", { kind });
  }

  actorLoaded(count: number): void {
    this.#totals.actorsLoaded += count;
  }

  actorPassivated(): void {
    this.#totals.actorsPassivated++;
  }

  malformedFrame(): void {
    this.#totals.malformedFrames++;
  }

  slowConsumerClosed(): void {
    this.#totals.slowConsumersClosed++;
  }

  bug(where: string, error: unknown): void {
    this.#totals.bugs++;
    const line = this.#lines.take();
    if (line) this.#logger.error("internal error", { where, error, ...line });
  }

  note(text: string, fields: Readonly<Record<string, string | number | boolean>> = {}): void {
    const line = this.#lines.take();
    if (line) this.#logger.info(text, { ...fields, ...line });
  }

  warn(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void {
    this.#warnings.warn(event, fields);
  }

  gauge(name: string, read: () => number): void {
    if (!this.#gauges.has(name)) this.#registerGauge(name);
    this.#gauges.set(name, read);
  }

  /** In Prometheus' text format. */
  readonly scrape = (): Promise<string> => this.#registry.metrics();

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  #registerTotals(): void {
    for (const [field, [name, help]] of Object.entries(totals)) {
      const read = () => this.#totals[field as keyof Totals];
      const collect = function (this: Counter) {
        this.reset();
        this.inc(read());
      };
      new Counter({ name, help, registers: [this.#registry], collect });
    }
  }

  #registerCounts(name: string, help: string, label: string, counts: ReadonlyMap<string, number>): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of counts) this.inc({ [label]: value }, count);
      },
    });
  }

  #registerGauge(name: string): void {
    const read = () => this.#gauges.get(name)?.() ?? 0;
    new Gauge({
      name: `whispr_${name}`,
      help: gaugeHelp[name] ?? name,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
