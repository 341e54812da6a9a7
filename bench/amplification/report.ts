import type { Measured } from "./measured.ts";
import { coresOf, timesInMinute } from "./minute.ts";
import { budgetsOf, countsAnsweredBytes, countsPushedBytes } from "./operations.ts";

/** Bytes out for a byte in. More is within the bounds only where a budget counts these bytes themselves: then it does not matter how few bytes ask for them. */
const maxRatio = 100;
/** Of a core, server and PostgreSQL together, that one user may take with what its budgets allow by default. */
const maxCores = 0.5;
/** Of a page with its head and the envelope around its rows. */
const maxPageBytes = (1 << 20) + 4_096;
/** Processor time of the server for one request or frame where two others listen, and so much more for each MB that it moves: in, to the asker and to the two. */
const maxMs = 5;
const maxMsPerMB = 5;
/** Microseconds for each frame to a recipient: writing to 1,000 sockets is work by nature, and paid for by the limits on it. */
const maxUsPerFrame = 50;
const fewFrames = 100;

export function ratioToAsker({ answeredBytes, sentBytes }: Measured): number {
  return answeredBytes / sentBytes;
}

export function ratioToRecipient({ recipientBytes, sentBytes }: Measured): number {
  return recipientBytes / sentBytes;
}

export function usPerFrame({ crowd, serverMs }: Measured): number {
  if (!crowd || crowd.frames === 0) return 0;
  return (1_000 * Math.max(0, crowd.serverMs - serverMs)) / crowd.frames;
}

/** What is wrong with a row; empty: nothing. */
export function violations(row: Measured): readonly string[] {
  const found: string[] = [];
  if (row.isPage) {
    if (row.largestBytes > maxPageBytes) found.push("page");
  } else if (ratioToAsker(row) > maxRatio && !countsAnsweredBytes(row.operation)) found.push("answer");
  const isPaid = row.paidBy !== null || countsPushedBytes(row.operation);
  if (ratioToRecipient(row) > maxRatio && !isPaid) found.push("push");
  if (row.serverMs > maxMsOf(row)) found.push("time");
  if (isSlowCrowd(row)) found.push("time of frames");
  if (coresOf(row) > maxCores && row.paidBy === null) found.push("share of a core");
  if (row.closed + (row.crowd?.closed ?? 0) > 0) found.push("sockets closed");
  return found;
}

/** Whether its time is above a bound, as it seems. */
export function isSlow(row: Measured): boolean {
  return row.serverMs > maxMsOf(row) || isSlowCrowd(row);
}

function maxMsOf({ sentBytes, answeredBytes, recipientBytes }: Measured): number {
  return maxMs + (maxMsPerMB * (sentBytes + answeredBytes + 2 * recipientBytes)) / 1e6;
}

/** A few frames cannot cost much, whatever each of them does. */
function isSlowCrowd(row: Measured): boolean {
  return usPerFrame(row) > maxUsPerFrame && (row.crowd?.frames ?? 0) > fewFrames;
}

/** `before`: of another executable; what has changed is shown as `before → now`. */
export function tableOf(rows: readonly Measured[], before: readonly Measured[] = []): string {
  const head = [
    "operation: input",
    "bytes in",
    "answer",
    "×",
    "to each recipient",
    "×",
    "to 1,000 who listen",
    "server (event loop) / PostgreSQL",
    "with 1,000 who listen, of each frame",
    "counted by",
    "one user in a minute",
    "above",
  ];
  const nameOf = ({ operation, input }: Measured) => `${operation}: ${input}`;
  const former = new Map(before.map((row) => [nameOf(row), cells(row)]));
  const lines = rows.map((row) => `| ${compared(cells(row), former.get(nameOf(row))).join(" | ")} |`);
  return [`| ${head.join(" | ")} |`, `|${"---|".repeat(head.length)}`, ...lines].join("\n");
}

/** The input is the same for both. */
function compared(now: readonly string[], before: readonly string[] | undefined): readonly string[] {
  return now.map((cell, at) => {
    const was = before?.[at] ?? cell;
    return at < 2 || was === cell ? cell : `${was || "-"} → ${cell || "-"}`;
  });
}

function cells(row: Measured): readonly string[] {
  const { crowd } = row;
  return [
    `\`${row.operation}\`: ${row.input} → ${row.status}`,
    size(row.sentBytes),
    row.isPage && row.largestBytes < row.answeredBytes
      ? `${size(row.answeredBytes)}, at most ${size(row.largestBytes)} at once`
      : size(row.answeredBytes),
    row.isPage ? "page" : ratio(ratioToAsker(row)),
    row.recipientBytes > 0 ? size(row.recipientBytes) : "",
    row.recipientBytes > 0 ? ratio(ratioToRecipient(row)) : "",
    crowd
      ? size((crowd.bytes / Math.max(1, crowd.listeners)) * 1_000)
      : row.recipientBytes > 0
        ? size(1_000 * row.recipientBytes)
        : "",
    `${ms(row.serverMs)} (${ms(row.loopMs)}) / ${ms(row.postgresMs)}`,
    crowd ? `${ms(crowd.serverMs)}, ${Math.round(usPerFrame(row))} µs` : "",
    budgetsOf(row.operation)
      .map((name) => `\`${name}\``)
      .concat(row.paidBy ?? [])
      .join(", "),
    minuteText(row),
    violations(row).join(", "),
  ];
}

function minuteText(row: Measured): string {
  const times = timesInMinute(row);
  if (!Number.isFinite(times)) return "";
  return `${Math.floor(times).toLocaleString("en")} times, ${Math.round(100 * coresOf(row))} % of a core`;
}

function ratio(number: number): string {
  return number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString("en");
}

function ms(number: number): string {
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`;
}

function size(bytes: number): string {
  if (bytes < 10_000) return `${Math.round(bytes)}`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
