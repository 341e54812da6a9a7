import { Command } from "commander";
import type { Config } from "../src/config.ts";
import type { Loss } from "../src/store/schema/migration-losses.ts";
import type { DownPlan } from "../src/store/schema/migrator.ts";
import { noteCommand } from "./admin-note.ts";
import { confirm } from "./confirm.ts";
import { nameOf } from "./explain.ts";
import { applied, versionIn } from "./migrate-steps.ts";
import { complain, print, printJson, sizeText, table } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

interface Options {
  readonly to?: string;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function downCommand(): Command {
  const command = new Command("down")
    .description(
      "undo the newest migration, or all above --to; tables and columns are dropped with their data",
    )
    .option("--to <version>", "the version to end at")
    .option("--dry-run", "only show what would be dropped")
    .option("--yes", "do not ask")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nRefused while a whispr-msg serves on the database or stands by. Make a backup first.\n\nExamples:\n  whispr-msg migrate down --dry-run\n  whispr-msg migrate down --to 5 --dry-run --json",
    )
    .action((options: Options) => down(command, options));
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

async function down(command: Command, options: Options): Promise<void> {
  const { config } = settingsOf(command, "tool");
  const to = versionIn(options.to);
  const { withExistingDatabase } = await import("./database-url.ts");
  await withExistingDatabase(config, (url) => downFrom(url, config, to, options));
}

async function downFrom(
  url: string,
  config: Config,
  to: ReturnType<typeof versionIn>,
  options: Options,
): Promise<void> {
  const { planDown } = await import("../src/store/schema/migrator.ts");
  const plan = await planDown({ url, ...to });
  if (options.dryRun) return options.json ? printJson(plan) : print(textOf(plan, config));
  if (plan.steps.length > 0) {
    await refuseOthers(plan);
    complain(textOf(plan, config));
    await confirm("Undo these migrations?", { isSure: options.yes === true });
  }
  await noteCommand(config, url, { command: "migrate down", target: options.to ?? "" });
  const done = await applied(url, { direction: "down", ...to, isQuiet: options.json === true });
  if (options.json) printJson({ ...plan, done });
}

/** Checks before the question is asked; `migrate` checks again. */
async function refuseOthers({ others }: DownPlan): Promise<void> {
  if (others.length === 0) return;
  const { inUse } = await import("../src/store/ownership/other-processes.ts");
  throw inUse(others);
}

function textOf({ steps, losses, consequences, others }: DownPlan, config: Config): string {
  if (steps.length === 0) return "nothing to do";
  const names = steps.map(({ version, name }) => `${version}_${name}`).join(", ");
  const head = `${nameOf(config)}: migrate down undoes ${names}.`;
  const drops =
    losses.length === 0
      ? ["It drops no table and no column."]
      : ["It drops:", table([["WHAT", "ROWS", "SIZE"], ...losses.map(rowOf)])];
  const noticed =
    consequences.length === 0 ? [] : ["Users notice:", ...consequences.map((text) => `- ${text}`)];
  const refused = others.map((who) => `It is refused while this is connected: ${who}.`);
  return [head, ...drops, ...noticed, ...refused].join("\n");
}

function rowOf({ table: name, column, where, rows, bytes }: Loss): readonly string[] {
  const what = column === null ? `table ${name}` : `column ${name}.${column}`;
  const which = where === null ? what : `rows of ${name} where ${where}`;
  return [which, rows.toLocaleString("en"), bytes === null ? "-" : sizeText(bytes)];
}
