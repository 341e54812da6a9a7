import type { LimitName } from "../../src/core/limits/budgets.ts";
import { arrivals, type Costs, freeAnswer } from "../../src/core/limits/costs.ts";
import { defaultLimits } from "../../src/testing/costs/default-limits.ts";
import type { Measured } from "./measured.ts";
import { operations } from "./operations.ts";

const limits = defaultLimits();

/** Members of the largest group, all of whom may listen. */
const listeners = 1_000;

/**
 * How often one user gets a row's request in for a minute, over all sockets, by the budgets of the default settings. Infinity: no budget of a user
 * bounds it; docs/limits.md says which ones of addresses and connections do.
 */
export function timesInMinute(row: Measured): number {
  const counted = operations.get(row.operation) ?? [];
  return Math.min(...bySize(row), ...counted.flatMap((costs) => byOperation(costs, row)));
}

/** Part of one core that they take of the server and of PostgreSQL together. */
export function coresOf(row: Measured): number {
  const { serverMs, postgresMs, crowd } = row;
  // Of few frames to a crowd, the time is mostly what else its 1,000 sockets do.
  const ofCrowd = crowd && crowd.frames > 100 ? crowd.serverMs : 0;
  const ms = Math.max(serverMs, ofCrowd) + postgresMs;
  const times = timesInMinute(row);
  return Number.isFinite(times) ? (times * ms) / 60_000 : Number.NaN;
}

/** What is counted before anything else: frames by their size, handshakes one by one. */
function bySize({ operation, sentBytes }: Measured): readonly number[] {
  if (operation === "handshake" || operation === "presence") return [perMinute("user_handshakes")];
  if (operation === "refused request") return [];
  return [perMinute("user_frames") / (1 + sentBytes / 1_024)];
}

function byOperation({ class: kind, decided }: Costs, row: Measured): readonly number[] {
  const shares = arrivals[kind].user.map(([name, cost]) =>
    name === "user_reads" ? ofReads(cost, row) : perMinute(name) / cost,
  );
  if (kind === "message") shares.push(ofReads(0, row), ofMessages(row));
  if (decided.includes("pushed") && row.recipientBytes > 0)
    shares.push(
      perMinute("user_pushed") / row.recipientBytes,
      perMinute("user_delivered") / (listeners * row.recipientBytes),
    );
  if (decided.includes("members") && row.people > 0)
    shares.push(perMinute("user_members_added") / row.people);
  return shares;
}

/** One that is repeated counts as an operation. */
function ofMessages({ input }: Measured): number {
  return perMinute(input.startsWith("another content under") ? "user_operations" : "user_messages");
}

function ofReads(least: number, { answeredBytes, sentBytes, readBytes }: Measured): number {
  const kB =
    least > 0
      ? Math.max(least, (answeredBytes + readBytes) / 1_000)
      : (answeredBytes - sentBytes) / 1_000 - freeAnswer;
  return kB > 0 ? perMinute("user_reads") / kB : Number.POSITIVE_INFINITY;
}

function perMinute(name: LimitName): number {
  return limits[name].perMinute;
}
