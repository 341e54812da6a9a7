import { escapeControls } from "./escape-controls.ts";

const colours: Readonly<Record<string, string>> = {
  trace: "\u001b[90m",
  debug: "\u001b[90m",
  info: "\u001b[32m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
  fatal: "\u001b[31m",
};
const grey = "\u001b[90m";
const plain = "\u001b[0m";

/** Turns a line of JSON into a line for people: time, level, event, what it means, `name=value`; a stack follows below. */
export function prettyLine(line: string): string {
  const { level, time, event, means, msg, error, err, ...fields } = JSON.parse(line) as Record<
    string,
    unknown
  >;
  const name = String(level);
  const clock = String(time).slice(11, 23);
  const rest = Object.entries(fields).map(([key, value]) => ` ${grey}${key}=${plain}${shown(value)}`);
  const what = means === undefined ? String(event ?? msg ?? "") : `${String(event)}: ${String(means)}`;
  const head = `${grey}${clock}${plain} ${colours[name] ?? ""}${name.padEnd(5)}${plain} ${what}`;
  return `${head}${rest.join("")}${stackOf(error ?? err)}\n`;
}

function shown(value: unknown): string {
  return typeof value === "string" && !/[\s"=\p{Cc}]/u.test(value)
    ? value
    : escapeControls(JSON.stringify(value));
}

function stackOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return error === undefined ? "" : ` ${shown(error)}`;
  const stack = "stack" in error && typeof error.stack === "string" ? error.stack : JSON.stringify(error);
  return `\n${escapeControls(stack).replace(/^/gm, "    ")}`;
}
