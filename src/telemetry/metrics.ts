import { Gauge, Registry } from "prom-client";
import type { Failure, SecurityEvent, Warning } from "../core/incidents.ts";
import { budgets, type LimitName } from "../core/limits/budgets.ts";
import type { Note } from "../core/notes.ts";
import {
  type BatchFailure,
  type Fields,
  type FloodReason,
  floodReasons,
  type GaugeName,
  type HandshakeOutcome,
  handshakeOutcomes,
  type Observer,
} from "../core/ports/observer.ts";
import { type RefusalCode, refusals } from "../core/rejection.ts";
import { Gauges } from "./gauges.ts";
import { Histogram, LabelledHistogram } from "./histogram.ts";
import { registerIncidents } from "./incident-counts.ts";
import { LabelledCounts } from "./labelled-counts.ts";
import { LineBudget } from "./line-budget.ts";
import type { Logger } from "./logger.ts";
import { collectProcessMetrics } from "./process-metrics.ts";
import { registerTotals, Totals } from "./totals.ts";

const secondsUpTo = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const requestSecondsUpTo = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const rowsUpTo = [1, 2, 5, 10, 25, 50, 100, 200, 300, 400, 500, 1_000, 5_000];
const notesPerSecond = 50;

/** Collects figures for `/metrics` and writes log lines. A scrape changes nothing. */
export class Metrics implements Observer {
  readonly #registry = new Registry();
  readonly #totals = new Totals();
  readonly #refused = new LabelledCounts({
    name: "whispr_refused_total",
    help: "Refusals by code",
    label: "code",
    values: Object.keys(refusals) as RefusalCode[],
  });
  readonly #rateLimited = new LabelledCounts({
    name: "whispr_rate_limited_total",
    help: "Refusals with rate_limited, by the limit that was reached (docs/limits.md)",
    label: "limit",
    values: Object.keys(budgets) as LimitName[],
  });
  readonly #failedBatches = new LabelledCounts<BatchFailure>({
    name: "whispr_batches_failed_total",
    help: "Batches that were not stored at the first attempt, by the reason",
    label: "kind",
    values: ["fenced", "refused", "again", "unknown"],
  });
  readonly #unknownFields = new LabelledCounts<string>({
    name: "whispr_unknown_fields_total",
    help: "Fields and query parameters that were ignored because their operation does not know them",
    label: "operation",
    values: [],
  });
  readonly #handshakes = new LabelledCounts({
    name: "whispr_handshakes_total",
    help: "WebSocket handshakes by outcome: admitted, or the reason of the refusal",
    label: "outcome",
    values: handshakeOutcomes,
  });
  readonly #floods = new LabelledCounts({
    name: "whispr_sockets_flooded_total",
    help: "Sockets closed because they sent too much, by reason",
    label: "reason",
    values: floodReasons,
  });
  readonly #gauges = new Gauges(this.#registry);
  readonly #ackSeconds = new Histogram({
    name: "whispr_ack_seconds",
    help: "Seconds from the arrival of a command to its reply",
    upTo: secondsUpTo,
  });
  readonly #batchRows = new Histogram({
    name: "whispr_batch_rows",
    help: "Rows in one commit",
    upTo: rowsUpTo,
  });
  readonly #batchSeconds = new Histogram({
    name: "whispr_batch_seconds",
    help: "Seconds of the round trip of one commit",
    upTo: secondsUpTo,
  });
  readonly #storeSeconds = new LabelledHistogram({
    name: "whispr_store_seconds",
    help: "Seconds of the round trip of a read, and of the ping that is sent to PostgreSQL twice a second",
    upTo: secondsUpTo,
  });
  readonly #requestSeconds = new LabelledHistogram({
    name: "whispr_http_request_duration_seconds",
    help: "Seconds from the arrival of a request to its response, by path template and class of status",
    upTo: requestSecondsUpTo,
  });
  readonly #lagSeconds = new Histogram({
    name: "whispr_event_loop_lag_seconds",
    help: "Seconds by which the event loop was late for a timer that is due 20 times a second",
    upTo: secondsUpTo,
  });
  readonly #logger: Logger;
  readonly #notes: LineBudget;

  constructor(options: {
    readonly logger: Logger;
    readonly build: { readonly version: string; readonly commit: string };
    /** For the budget of lines. */
    readonly monotonicMs?: () => number;
  }) {
    const { logger, build, monotonicMs = () => performance.now() } = options;
    this.#logger = logger;
    this.#notes = new LineBudget({ lines: notesPerSecond, windowMs: 1_000, monotonicMs });
    this.#registerBuild(build);
    registerTotals(this.#registry, this.#totals);
    this.#registerCounts();
    registerIncidents(this.#registry, logger.reported);
    this.#registerHistograms();
    collectProcessMetrics(this.#registry);
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

  refused(code: RefusalCode): void {
    this.#refused.add(code);
  }

  rateLimited(limit: LimitName): void {
    this.#rateLimited.add(limit);
  }

  requestAnswered({ method, route, status, tookMs }: Parameters<Observer["requestAnswered"]>[0]): void {
    const statusClass = Math.floor(status / 100);
    this.#requestSeconds.observe(
      `${statusClass}${method} ${route}`,
      () => ({ method, route, status: `${statusClass}xx` }),
      tookMs / 1_000,
    );
  }

  requestAborted(): void {
    this.#totals.requestsAborted++;
  }

  /** `operation` is a name of the source, so the series are as many as there are operations. */
  unknownFields(operation: string, count: number): void {
    this.#unknownFields.add(operation, count);
  }

  handshake(outcome: HandshakeOutcome): void {
    this.#handshakes.add(outcome);
  }

  batchCommitted(rows: number, tookMs: number): void {
    this.#batchRows.observe(rows);
    this.#batchSeconds.observe(tookMs / 1_000);
  }

  batchFailed(kind: BatchFailure): void {
    this.#failedBatches.add(kind);
  }

  storeAnswered(doing: "read" | "ping", tookMs: number): void {
    this.#storeSeconds.observe(doing, () => ({ doing }), tookMs / 1_000);
  }

  loopLate(lateMs: number): void {
    this.#lagSeconds.observe(lateMs / 1_000);
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

  socketFlooded(reason: FloodReason): void {
    this.#floods.add(reason);
  }

  bug(where: string, error: unknown): void {
    this.#totals.bugs++;
    this.#logger.error("internal_error", { where, error });
  }

  note(event: Note, fields: Fields = {}): void {
    const line = this.#notes.take();
    if (line) this.#logger.info(event, { ...fields, ...line });
  }

  warn(event: Warning, fields?: Fields): void {
    this.#logger.warn(event, fields);
  }

  error(event: Failure, fields?: Fields): void {
    this.#logger.error(event, fields);
  }

  security(event: SecurityEvent, fields: Fields): void {
    this.#logger.security(event, fields);
  }

  gauge(name: GaugeName, read: () => number): void {
    this.#gauges.set(name, read);
  }

  /** In Prometheus' text format. */
  readonly scrape = (): Promise<string> => this.#registry.metrics();

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  #registerBuild({ version, commit }: { readonly version: string; readonly commit: string }): void {
    new Gauge({
      name: "whispr_build_info",
      help: "Always 1; the labels have the versions of this executable and of its runtime",
      labelNames: ["version", "commit", "bun"],
      registers: [this.#registry],
    }).set({ version, commit, bun: Bun.version }, 1);
  }

  #registerCounts(): void {
    this.#refused.register(this.#registry);
    this.#rateLimited.register(this.#registry);
    this.#failedBatches.register(this.#registry);
    this.#unknownFields.register(this.#registry);
    this.#handshakes.register(this.#registry);
    this.#floods.register(this.#registry);
  }

  #registerHistograms(): void {
    for (const histogram of [
      this.#ackSeconds,
      this.#batchRows,
      this.#batchSeconds,
      this.#storeSeconds,
      this.#requestSeconds,
      this.#lagSeconds,
    ]) {
      this.#registry.registerMetric(histogram.asMetric());
    }
  }
}
