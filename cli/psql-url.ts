import { Command } from "commander";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

export function psqlUrlCommand(): Command {
  const command = new Command("psql-url")
    .description("the address of the embedded database of a running whispr-msg, for psql")
    .option("--json", "as JSON: url")
    .addHelpText(
      "after",
      '\nExamples:\n  psql "$(whispr-msg psql-url)"\n  WHISPR_DATA_DIR=/srv/whispr whispr-msg psql-url',
    )
    .action((options: { json?: true }) => printUrl(command, options.json === true));
  return withSettings(command, ["dataDir"]);
}

async function printUrl(command: Command, asJson: boolean): Promise<void> {
  const { config } = settingsOf(command, "tool");
  if (config.database.type === "postgres") {
    throw new CommandRefused(
      "DATABASE_URL (or DB_*) is set: that is the database, not the embedded one.",
      exitCodes.usage,
    );
  }
  const { embeddedUrl } = await import("../src/store/embedded/connection.ts");
  const { explained } = await import("./explain.ts");
  const url = await explained(config, () => embeddedUrl(config.dataDir));
  if (asJson) printJson({ url });
  else print(url);
}
