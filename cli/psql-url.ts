import { Command } from "commander";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

export function psqlUrlCommand(): Command {
  const command = new Command("psql-url")
    .description("print the address of the embedded database of a running whispr-msg, for psql")
    .option("--superuser", "as the superuser, for repairs; default: as the role of whispr-msg")
    .option("--json", "as JSON: url")
    .addHelpText(
      "after",
      '\nExamples:\n  psql "$(whispr-msg psql-url)"\n  WHISPR_DATA_DIR=/srv/whispr whispr-msg psql-url',
    )
    .action((options: Options) => printUrl(command, options));
  return withSettings(command, ["dataDir"]);
}

interface Options {
  readonly superuser?: true;
  readonly json?: true;
}

async function printUrl(command: Command, options: Options): Promise<void> {
  const { config } = settingsOf(command, "tool");
  if (config.database.type === "postgres") {
    throw new CommandRefused(
      "DATABASE_URL (or DB_*) is set, so there is no embedded database: use that address.",
      exitCodes.usage,
    );
  }
  const { embeddedUrl, embeddedSuperuserUrl } = await import("../src/store/embedded/connection.ts");
  const { databaseName } = await import("../src/store/embedded/role-names.ts");
  const { explained } = await import("./explain.ts");
  const url = await explained(config, () =>
    options.superuser ? embeddedSuperuserUrl(config.dataDir, databaseName) : embeddedUrl(config.dataDir),
  );
  if (options.json) printJson({ url });
  else print(url);
}
