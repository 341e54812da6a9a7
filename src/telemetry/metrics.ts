import { Counter, Gauge, Registry } from "prom-client";
import {
  type Failure,
  type IncidentName,
  incidentOf,
  incidents,
  type SecurityEvent,
  type Warning,
} from "../core/incidents.ts";
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
import { Histogram, LabelledHistogram } from "./histogram.ts";
import { LineBudget } from "./line-budget.ts";
import type { Logger } from "./logger.ts";
import { collectProcessMetrics } from "./process-metrics.ts";

const secondsUpTo = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const requestSecondsUpTo = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const rowsUpTo = [1, 2, 5, 10, 25, 50, 100, 200, 300, 400, 500, 1_000, 5_000];
const notesPerSecond = 50;

/** Totals since the start. Plain numbers: the hot path only adds to them, the scrape reads them. */
class Totals {
  accepted = 0;
  acknowledged = 0;
  duplicates = 0;
  actorsLoaded = 0;
  actorsPassivated = 0;
  malformedFrames = 0;
  slowConsumersClosed = 0;
  requestsAborted = 0;
  bugs = 0;
}

const totals: Readonly<Record<keyof Totals, readonly [name: string, help: string]>> = {
  accepted: ["whispr_commands_accepted_total", "Commands that entered a mailbox"],
  acknowledged: ["whispr_commands_acknowledged_total", "Commands that were answered after they were durable"],
  duplicates: [
    "whispr_commands_duplicate_total",
    "Sends that were answered with the message stored before under the same key",
  ],
  actorsLoaded: ["whispr_actors_loaded_total", "Conversations loaded into memory"],
  actorsPassivated: ["whispr_actors_passivated_total", "Conversations removed from memory to make room"],
  malformedFrames: ["whispr_malformed_frames_total", "WebSocket frames that were not a Phoenix message"],
  slowConsumersClosed: [
    "whispr_slow_consumers_closed_total",
    "Sockets closed because more bytes waited for them than WHISPR_SEND_BUFFER",
  ],
  requestsAborted: [
    "whispr_http_requests_aborted_total",
    "Requests whose client closed the connection before the response",
  ],
  bugs: ["whispr_internal_errors_total", "Exceptions that were not a refusal: each is a bug"],
};

const gaugeHelp: Readonly<Record<GaugeName, string>> = {
  lane_queue_rows: "Rows that wait for the next commit",
  mailbox_turns: "Unsettled commands in all mailboxes",
  actors: "Conversations in memory",
  sockets: "Open WebSockets",
  handshakes_waiting: "WebSocket handshakes that wait for their turn",
  arrivals: "Sockets between their admission and the replies to their first joins",
  arrivals_limit: "Maximum arrivals at a time at present; lower while the event loop is late",
  online_users: "Users with a socket that joined a topic, or who had one within the last two seconds",
  keys_age_seconds:
    "Seconds since the keys that verify tokens were last read; since the start if they were never read",
  ready: "1 when this process takes traffic",
  store_up: "1 when PostgreSQL answered within the last seconds",
  unread_answer_bytes: "Bytes of large REST responses that clients have not read",
  unread_socket_bytes: "Bytes that wait for slow sockets, when they were last counted",
  unfinished_body_bytes: "Bytes of request bodies that are being read, by their announced length",
  disk_free_bytes: "Free space on the disk of the embedded database",
};

/** Collects figures for `/metrics` and writes log lines. A scrape changes nothing. */
export class Metrics implements Observer {
  readonly #registry = new Registry();
  readonly #totals = new Totals();
  readonly #refused = new Map<string, number>(Object.keys(refusals).map((code) => [code, 0]));
  readonly #rateLimited = new Map<string, number>(Object.keys(budgets).map((limit) => [limit, 0]));
  readonly #failedBatches = new Map<string, number>(
    (["fenced", "refused", "again", "unknown"] satisfies BatchFailure[]).map((kind) => [kind, 0]),
  );
  readonly #handshakes = new Map<HandshakeOutcome, number>(handshakeOutcomes.map((outcome) => [outcome, 0]));
  readonly #floods = new Map<FloodReason, number>(floodReasons.map((reason) => [reason, 0]));
  readonly #unknownFields = new Map<string, number>();
  readonly #gauges = new Map<GaugeName, () => number>();
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
    this.#registerTotals();
    this.#registerCounts("whispr_refused_total", "Refusals by code", "code", () => this.#refused);
    this.#registerCounts(
      "whispr_rate_limited_total",
      "Refusals with rate_limited, by the limit that was reached (docs/limits.md)",
      "limit",
      () => this.#rateLimited,
    );
    this.#registerCounts(
      "whispr_batches_failed_total",
      "Batches that were not stored at the first attempt, by the reason",
      "kind",
      () => this.#failedBatches,
    );
    this.#registerCounts(
      "whispr_unknown_fields_total",
      "Fields and query parameters that were ignored because their operation does not know them",
      "operation",
      () => this.#unknownFields,
    );
    this.#registerCounts(
      "whispr_handshakes_total",
      "WebSocket handshakes by outcome: admitted, or the reason of the refusal",
      "outcome",
      () => this.#handshakes,
    );
    this.#registerCounts(
      "whispr_sockets_flooded_total",
      "Sockets closed because they sent too much, by reason",
      "reason",
      () => this.#floods,
    );
    this.#registerIncidents("warn", "whispr_warnings_total");
    this.#registerIncidents("error", "whispr_errors_total");
    this.#registerIncidents("security", "whispr_security_events_total");
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
    this.#refused.set(code, this.#refused.get(code)! + 1);
  }

  rateLimited(limit: LimitName): void {
    this.#rateLimited.set(limit, this.#rateLimited.get(limit)! + 1);
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
    this.#unknownFields.set(operation, (this.#unknownFields.get(operation) ?? 0) + count);
  }

  handshake(outcome: HandshakeOutcome): void {
    this.#handshakes.set(outcome, this.#handshakes.get(outcome)! + 1);
  }

  batchCommitted(rows: number, tookMs: number): void {
    this.#batchRows.observe(rows);
    this.#batchSeconds.observe(tookMs / 1_000);
  }

  batchFailed(kind: BatchFailure): void {
    this.#failedBatches.set(kind, this.#failedBatches.get(kind)! + 1);
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
    this.#floods.set(reason, this.#floods.get(reason)! + 1);
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
    if (!this.#gauges.has(name)) this.#registerGauge(name);
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

  #registerCounts(name: string, help: string, label: string, read: () => ReadonlyMap<string, number>): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value }, count);
      },
    });
  }

  /** Each name from the start, so that a rate sees the first one. */
  #registerIncidents(kind: "security" | "warn" | "error", name: string): void {
    const names = (Object.keys(incidents) as IncidentName[]).filter((each) => {
      const { log, level } = incidentOf(each);
      return (log ?? level) === kind;
    });
    const { reported } = this.#logger;
    const what = kind === "security" ? "Lines of the security log" : `Incidents at level ${kind}`;
    const help = `${what} by event, whether the line was written or left out`;
    this.#registerCounts(
      name,
      help,
      "event",
      () => new Map(names.map((each) => [each, reported.get(each) ?? 0])),
    );
  }

  #registerGauge(name: GaugeName): void {
    const read = () => this.#gauges.get(name)?.() ?? 0;
    new Gauge({
      name: `whispr_${name}`,
      help: gaugeHelp[name],
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
