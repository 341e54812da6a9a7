import type { Measured } from "./measured.ts";
import { coresOf } from "./minute.ts";
import { countsAnsweredBytes, countsPushedBytes } from "./operations.ts";

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

/** What is wrong with a row; empty: nothing. `isCounted`: by the budgets of this version. */
export function violations(row: Measured, isCounted = true): readonly string[] {
  const found: string[] = [];
  const isAnswerCounted = isCounted && countsAnsweredBytes(row.operation);
  const isPushCounted = row.paidBy !== null || (isCounted && countsPushedBytes(row.operation));
  if (row.isPage && row.largestBytes > maxPageBytes) found.push("page");
  if (!row.isPage && ratioToAsker(row) > maxRatio && !isAnswerCounted) found.push("answer");
  if (ratioToRecipient(row) > maxRatio && !isPushCounted) found.push("push");
  if (row.serverMs > maxMsOf(row)) found.push("time");
  if (isSlowCrowd(row)) found.push("time of frames");
  if (isCounted && coresOf(row) > maxCores && row.paidBy === null) found.push("share of a core");
  if (row.closed + (row.crowd?.closed ?? 0) > 0) found.push("sockets closed");
  return found;
}

/** Whether its time is above a bound, as it seems. */
export function isSlow(row: Measured): boolean {
  return row.serverMs > maxMsOf(row) || isSlowCrowd(row) || coresOf(row) > maxCores;
}

function maxMsOf({ sentBytes, answeredBytes, recipientBytes }: Measured): number {
  return maxMs + (maxMsPerMB * (sentBytes + answeredBytes + 2 * recipientBytes)) / 1e6;
}

/** A few frames cannot cost much, however dear each one is. */
function isSlowCrowd(row: Measured): boolean {
  return usPerFrame(row) > maxUsPerFrame && (row.crowd?.frames ?? 0) > fewFrames;
}
