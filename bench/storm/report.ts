import type { ClientReport, SentMessage } from "./messages.ts";

/** Milliseconds; the share of the clients that had joined everything by then. */
export interface Returns {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly all: number;
}

/** Of the messages that were sent in one span of time, in milliseconds. */
export interface Latencies {
  readonly sent: number;
  readonly acknowledgedP50: number;
  readonly acknowledgedP99: number;
  readonly deliveredP50: number;
  readonly deliveredP99: number;
  /** Without an answer when the figures were taken. */
  readonly unanswered: number;
}

export interface StormReport {
  readonly mode: string;
  readonly clients: number;
  readonly topicsOfEach: number;
  /** From the kill or cut until the server was ready again; 0 when it never stopped. */
  readonly downMs: number;
  readonly returnedFromReadyMs: Returns;
  readonly returnedFromLossMs: Returns;
  readonly refusedHandshakes: Readonly<Record<string, number>>;
  readonly retryAfterSeconds: Readonly<Record<string, number>>;
  readonly failedConnections: number;
  readonly refusedJoins: Readonly<Record<string, number>>;
  readonly timedOutJoins: number;
  readonly bystanders: {
    readonly calm: Latencies;
    readonly storm: Latencies;
    /** The refusals that bystanders met, handshakes and messages. */
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly server: {
    readonly mostMemoryMB: number;
    readonly cpuSeconds: number;
    readonly postgresCpuSeconds: number;
  };
  readonly machineLoadBefore: number;
}

export function returnsSince(instants: readonly number[], sinceMs: number): Returns {
  const sorted = instants.map((atMs) => atMs - sinceMs).toSorted((one, other) => one - other);
  return {
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    all: quantile(sorted, 1),
  };
}

export function latenciesBetween(sent: readonly SentMessage[], fromMs: number, toMs: number): Latencies {
  const within = sent.filter(([atMs]) => atMs >= fromMs && atMs < toMs);
  const sorted = (index: 1 | 2) =>
    within
      .map((each) => each[index])
      .filter((ms) => ms !== null)
      .toSorted((one, other) => one - other);
  const [acknowledged, delivered] = [sorted(1), sorted(2)];
  return {
    sent: within.length,
    acknowledgedP50: quantile(acknowledged, 0.5),
    acknowledgedP99: quantile(acknowledged, 0.99),
    deliveredP50: quantile(delivered, 0.5),
    deliveredP99: quantile(delivered, 0.99),
    unanswered: within.length - acknowledged.length,
  };
}

/** Adds up what several processes counted. */
export function together(reports: readonly ClientReport[]): ClientReport {
  return {
    returnedAtMs: reports.flatMap(({ returnedAtMs }) => returnedAtMs),
    refusedHandshakes: sums(reports.map(({ refusedHandshakes }) => refusedHandshakes)),
    retryAfter: sums(reports.map(({ retryAfter }) => retryAfter)),
    failedConnections: reports.reduce((sum, { failedConnections }) => sum + failedConnections, 0),
    refusedJoins: sums(reports.map(({ refusedJoins }) => refusedJoins)),
    timedOutJoins: reports.reduce((sum, { timedOutJoins }) => sum + timedOutJoins, 0),
    sent: reports.flatMap(({ sent }) => sent),
  };
}

export function sums(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of all.flatMap((each) => Object.entries(each)))
    sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** One line of the table in README.md. */
export function tableOf(report: StormReport): string {
  const { returnedFromReadyMs: ready, returnedFromLossMs: loss, bystanders } = report;
  const { calm, storm } = bystanders;
  const rows = [
    ["clients, topics of each", `${report.clients}, ${report.topicsOfEach}`],
    ["all joined again, from ready (50 / 90 / 99 / 100 %)", shares(ready)],
    [`the same, from the ${report.mode}`, shares(loss)],
    ["refused handshakes", counted(report.refusedHandshakes)],
    ["refused joins, joins that timed out", `${counted(report.refusedJoins)}, ${report.timedOutJoins}`],
    ["bystanders' messages, calm / storm", `${calm.sent} / ${storm.sent}`],
    ["acknowledged p50 / p99, calm", `${calm.acknowledgedP50} / ${calm.acknowledgedP99} ms`],
    ["acknowledged p50 / p99, storm", `${storm.acknowledgedP50} / ${storm.acknowledgedP99} ms`],
    ["delivered p50 / p99, calm", `${calm.deliveredP50} / ${calm.deliveredP99} ms`],
    ["delivered p50 / p99, storm", `${storm.deliveredP50} / ${storm.deliveredP99} ms`],
    [
      "server: most memory, processor time",
      `${report.server.mostMemoryMB} MB, ${report.server.cpuSeconds} s`,
    ],
    ["PostgreSQL: processor time", `${report.server.postgresCpuSeconds} s`],
  ];
  return ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");
}

function shares({ p50, p90, p99, all }: Returns): string {
  return `${[p50, p90, p99, all].map((ms) => (ms / 1_000).toFixed(2)).join(" / ")} s`;
}

function counted(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0 ? "none" : entries.map(([name, count]) => `${count} × ${name}`).join(", ");
}

/** Of sorted values; NaN: there are none. */
function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return Number(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!.toFixed(1));
}
