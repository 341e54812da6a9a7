type Colour = "bold" | "grey" | "green" | "yellow" | "red";

const codes: Readonly<Record<Colour, number>> = { bold: 1, grey: 90, green: 32, yellow: 33, red: 31 };

/** Prints a result to stdout. Everything else goes to stderr, so that a pipe gets results only. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Colours the text if stdout is a terminal and NO_COLOR (no-color.org) is not set. */
export function coloured(colour: Colour, text: string): string {
  const wanted = process.stdout.isTTY === true && !Bun.env.NO_COLOR;
  return wanted ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Returns a size in the largest unit that fits: `24 kB`. */
export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const at = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1_000 ** at).toPrecision(3))} ${units[at]}`;
}

/** The log of a short command: only warnings, for the person at the terminal. */
export const warningsOnly = {
  info() {},
  warn: (text: string) => complain(`warning: ${text}`),
  error: (text: string) => complain(text),
};
