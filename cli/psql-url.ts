import { Command } from "commander";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

export function psqlUrlCommand(): Command {
  const command = new Command("psql-url")
    .description("the address of the embedded database of a running whispr-msg, for psql")
    .addHelpText(
      "after",
      '\nExamples:\n  psql "$(whispr-msg psql-url)"\n  WHISPR_DATA_DIR=/srv/whispr whispr-msg psql-url',
    )
    .action(() => printUrl(command));
  return withSettings(command, ["dataDir"]);
}

async function printUrl(command: Command): Promise<void> {
  const { config } = settingsOf(command, "tool");
  if (config.database.type === "postgres") {
    throw new CommandRefused(
      "DATABASE_URL (or DB_*) is set: that is the database, not the embedded one.",
      exitCodes.usage,
    );
  }
  const { embeddedUrl } = await import("../src/store/embedded/connection.ts");
  const { explained } = await import("./explain.ts");
  print(await explained(config, () => embeddedUrl(config.dataDir)));
}
