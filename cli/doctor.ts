import { Command } from "commander";
import { doubtsAbout } from "./doubts.ts";
import { CommandRefused } from "./exit-codes.ts";
import type { Finding } from "./finding.ts";
import { coloured, print, printJson } from "./print.ts";
import { type ReadSettings, settingsOf, withSettings } from "./setting-options.ts";

const marks = {
  good: () => coloured("green", "ok  "),
  doubtful: () => coloured("yellow", "warn"),
  bad: () => coloured("red", "BAD "),
} as const;

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("look for what would hurt: descriptor limit, data directory, database settings, keys")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg doctor\n  DATABASE_URL=postgres://whispr@db/whispr whispr-msg doctor --json\n\nExit codes: 0 nothing is bad; 1 something is; 2 wrong usage or settings.",
    )
    .action((options: { json?: true }) => examine(command, options.json === true));
  return withSettings(command);
}

async function examine(command: Command, asJson: boolean): Promise<void> {
  const read = settingsOf(command, "look");
  const { examinations } = await import("./examinations.ts");
  const findings = [
    ...settingsFindings(read),
    ...surroundingsFindings(),
    ...(await examinations(read.config)),
  ];
  if (asJson) printJson(findings);
  else for (const finding of findings) print(lineOf(finding));
  const bad = findings.filter(({ verdict }) => verdict === "bad").length;
  if (bad > 0)
    throw new CommandRefused(`${bad} of ${findings.length} to mend before serving: see BAD above.`);
}

/** What serve and dev would refuse or warn of. */
function settingsFindings({ misspelt, former }: ReadSettings): readonly Finding[] {
  const subject = "settings";
  const bad = misspelt.map((text): Finding => ({ subject, verdict: "bad", text }));
  if (former.length === 0) return bad;
  const names = former.map(({ name }) => name).join(", ");
  return [
    ...bad,
    { subject, verdict: "doubtful", text: `of the former service, without effect here: ${names}` },
  ];
}

/** What serve and dev would log as they start. */
function surroundingsFindings(): readonly Finding[] {
  return doubtsAbout(Bun.env, process.argv.slice(2)).map(
    ({ text }): Finding => ({ subject: "surroundings", verdict: "doubtful", text }),
  );
}

function lineOf({ verdict, subject, text }: Finding): string {
  return `${marks[verdict]()}  ${subject}: ${text}`;
}
