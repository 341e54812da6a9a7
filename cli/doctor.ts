import { Command } from "commander";
import { doubtsAbout } from "./doubts.ts";
import { CommandRefused } from "./exit-codes.ts";
import type { Finding } from "./finding.ts";
import { coloured, print, printJson } from "./print.ts";
import { type ReadSettings, settingsOf, withSettings } from "./setting-options.ts";

const marks = {
  ok: () => coloured("green", "ok  "),
  warn: () => coloured("yellow", "warn"),
  fail: () => coloured("red", "fail"),
} as const;

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("find what would cause trouble: descriptor limit, data directory, database settings, keys")
    .option("--json", "as JSON: a list of subject, status (ok, warn or fail) and text")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg doctor\n  DATABASE_URL=postgres://whispr@db/whispr whispr-msg doctor --json\n\nExit codes: 0 nothing failed; 1 something failed; 2 wrong usage or settings.",
    )
    .action((options: { json?: true }) => examine(command, options.json === true));
  return withSettings(command);
}

async function examine(command: Command, asJson: boolean): Promise<void> {
  const read = settingsOf(command, "look");
  const { examinations } = await import("./examinations.ts");
  const findings = [
    ...settingsFindings(read),
    ...environmentFindings(),
    ...(await examinations(read.config)),
  ];
  if (asJson) printJson(findings);
  else for (const finding of findings) print(lineOf(finding));
  const failed = findings.filter(({ status }) => status === "fail").length;
  if (failed > 0)
    throw new CommandRefused(
      `${failed} of ${findings.length} checks failed: correct what is marked fail before you serve.`,
    );
}

/** Returns the settings that serve and dev would refuse or warn about. */
function settingsFindings({ misspelt, former }: ReadSettings): readonly Finding[] {
  const subject = "settings";
  const failed = misspelt.map((text): Finding => ({ subject, status: "fail", text }));
  if (former.length === 0) return failed;
  const names = former.map(({ name }) => name).join(", ");
  return [
    ...failed,
    { subject, status: "warn", text: `without effect here, of the former service: ${names}` },
  ];
}

/** Returns what serve and dev would log at the start. */
function environmentFindings(): readonly Finding[] {
  return doubtsAbout(Bun.env, process.argv.slice(2)).map(
    ({ text }): Finding => ({ subject: "environment", status: "warn", text }),
  );
}

function lineOf({ status, subject, text }: Finding): string {
  return `${marks[status]()}  ${subject}: ${text}`;
}
