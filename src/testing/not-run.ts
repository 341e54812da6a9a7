import { appendFileSync } from "node:fs";

/** The file in which a run of the suite gathers what could not be run on this machine. */
export const notRunVariable = "WHISPR_TEST_NOT_RUN";

/** Says by name what this machine lacks the means to test: here, and at the end of the whole run. */
export function notRun(name: string, why: string): void {
  const line = `NOT RUN: ${name}: ${why}`;
  console.log(line);
  const file = process.env[notRunVariable];
  if (file) appendFileSync(file, `${line.replaceAll("\n", " ")}\n`);
}
