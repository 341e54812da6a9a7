import type { Measured } from "./measured.ts";
import { coresOf, timesInMinute } from "./minute.ts";
import { countsAnsweredBytes, countsPushedBytes } from "./operations.ts";
import { ratioToAsker, ratioToRecipient, usPerFrame, violations } from "./report.ts";

const headOfRows = [
  "operation: input → answer",
  "× to the asker",
  "× to each recipient",
  "bytes in",
  "to the asker",
  "to each recipient",
  "server / PostgreSQL",
  "where 1,000 listen: to all, server, of each frame",
  "one user in a minute",
  "above",
];
const headOfRefusals = ["operation", "the dearest payload that fits nothing", "server"];

/** What is refused because its payload fits nothing, of which each operation has its dearest. */
export function isRefusal({ input }: Measured): boolean {
  return input.startsWith("refused: ");
}

/** Two tables. `before`: of an executable that had none of the budgets; what has changed is shown as `before → now`. */
export function tablesOf(rows: readonly Measured[], before: readonly Measured[] = []): string {
  const answered = new Map(before.map((row) => [nameOf(row), cellsOf(row, false)]));
  const refused = new Map(before.filter(isRefusal).map((row) => [row.operation, refusalCells(row)]));
  const cells = rows
    .filter((row) => !isRefusal(row))
    .map((row) => compared(cellsOf(row), answered.get(nameOf(row))));
  const refusals = rows
    .filter(isRefusal)
    .map((row) => compared(refusalCells(row), refused.get(row.operation)));
  return `${table(headOfRows, cells)}\n\n${table(headOfRefusals, refusals)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function nameOf({ operation, input }: Measured): string {
  return `${operation}: ${input}`;
}

function compared(now: readonly string[], before: readonly string[] | undefined): readonly string[] {
  return now.map((cell, at) => {
    const was = before?.[at] ?? cell;
    return at === 0 || was === cell ? cell : `${was || "-"} → ${cell || "-"}`;
  });
}

function cellsOf(row: Measured, isCounted = true): readonly string[] {
  const { operation, crowd } = row;
  const isHeard = row.recipientBytes > 0;
  return [
    `\`${operation}\`: ${row.input} → ${row.status}`,
    row.isPage ? "page" : ratio(ratioToAsker(row), isCounted && countsAnsweredBytes(operation)),
    isHeard
      ? ratio(ratioToRecipient(row), isCounted && (countsPushedBytes(operation) || row.paidBy !== null))
      : "",
    size(row.sentBytes),
    answerText(row),
    isHeard ? size(row.recipientBytes) : "",
    `${ms(row.serverMs)} / ${ms(row.postgresMs)}`,
    crowd && crowd.bytes > 0
      ? `${size((crowd.bytes / crowd.listeners) * 1_000)}, ${ms(crowd.serverMs)}, ${Math.round(usPerFrame(row))} µs`
      : "",
    isCounted ? minuteText(row) : "",
    violations(row, isCounted).join(", "),
  ];
}

function refusalCells({ operation, input, serverMs }: Measured): readonly string[] {
  return [`\`${operation}\``, input.replace("refused: ", ""), ms(serverMs)];
}

function answerText({ answeredBytes, largestBytes, isPage }: Measured): string {
  const isInParts = isPage && largestBytes < 0.9 * answeredBytes;
  return isInParts ? `${size(answeredBytes)}, at most ${size(largestBytes)} at once` : size(answeredBytes);
}

function minuteText(row: Measured): string {
  const times = timesInMinute(row);
  if (row.paidBy) return row.paidBy;
  if (!Number.isFinite(times)) return "";
  const count = times < 10 ? times.toFixed(1) : Math.floor(times).toLocaleString("en");
  return `${count} times, ${Math.round(100 * coresOf(row))} % of a core`;
}

/** `isCounted`: a budget counts the bytes themselves. */
function ratio(number: number, isCounted: boolean): string {
  const text = number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString("en");
  return number > 100 && isCounted ? `${text}, counted` : text;
}

function ms(number: number): string {
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`;
}

function size(bytes: number): string {
  if (bytes < 10_000) return `${Math.round(bytes)}`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
