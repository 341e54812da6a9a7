import { Command } from "commander";
import type { Reading } from "../src/setting-readings.ts";
import type { FormerVariable } from "../src/variable-names.ts";
import { complain, print, printJson, table } from "./print.ts";
import { fallbackOf, type ReadSettings, settingsOf, withSettings } from "./setting-options.ts";

export function configCommand(): Command {
  const command = new Command("config")
    .description("show every setting: variable, default, value in force and its source")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg config\n  PORT=4010 whispr-msg config --json\n\nSecrets are hidden.",
    )
    .action((options: { json?: true }) => show(settingsOf(command, "look"), options.json === true));
  return withSettings(command);
}

function show({ readings, misspelt, former }: ReadSettings, asJson: boolean): void {
  for (const text of misspelt) complain(`warning: ${text} serve and dev refuse to start with it.`);
  const rows = [...readings.map(rowOf), ...former.map(formerRow)];
  if (asJson) return printJson(rows);
  const cells = rows.map((row) => [row.variable, row.value, whence(row), row.about]);
  print(table([["VARIABLE", "VALUE", "FROM", "WHAT"], ...cells]));
  complain(
    "\nSet them in the environment, or by an option where there is one (whispr-msg serve --help). --json shows what each may be.",
  );
}

/** The default where something else is in force: what it would be without. */
function whence(row: ReturnType<typeof rowOf>): string {
  return row.source === "default" ? "default" : `${row.source} (default ${row.default})`;
}

/** Never its value: it may be a secret. */
function formerRow({ name, why }: FormerVariable): ReturnType<typeof rowOf> {
  return {
    variable: name,
    flag: null,
    value: "(no effect)",
    source: name,
    default: "none",
    allowed: "",
    about: `of the former messaging service: ${why}`,
    isSecret: true,
  };
}

function rowOf({ setting, shown, source }: Reading) {
  return {
    variable: setting.variables.join(" or "),
    flag: setting.flag ? `--${setting.flag}` : null,
    value: shown,
    source: source.startsWith("$") ? source.slice(1) : source,
    default: fallbackOf(setting),
    allowed: setting.kind.allowed,
    about: setting.about,
    isSecret: setting.isSecret === true,
  };
}
