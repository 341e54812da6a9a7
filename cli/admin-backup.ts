import { Command } from "commander";
import { noteCommand } from "./admin-note.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

export function backupCommand(): Command {
  const command = new Command("backup")
    .description("make a consistent copy of the embedded database, whether it runs or not")
    .argument("<directory>", "where to put it; must not exist, or be empty")
    .option("--json", "as JSON: directory, bytes, tookMs")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg admin backup /backups/monday\n  WHISPR_DATA_DIR=/backups/monday whispr-msg serve    # serve from the backup",
    )
    .action((directory: string, options: { json?: true }) =>
      runBackup(command, directory, options.json === true),
    );
  return withSettings(command, ["dataDir"]);
}

async function runBackup(command: Command, directory: string, asJson: boolean): Promise<void> {
  const { config } = settingsOf(command, "tool");
  if (config.database.type === "postgres") {
    throw new CommandRefused(
      "DATABASE_URL (or DB_*) is set: back that database up with PostgreSQL's tools (pg_basebackup, pg_dump).",
      exitCodes.usage,
    );
  }
  const { withExistingDatabase } = await import("./database-url.ts");
  const { backup } = await import("../src/store/embedded/backup.ts");
  const made = await withExistingDatabase(config, async (url) => {
    await noteCommand(config, url, { command: "admin backup", target: directory });
    return backup({ dataDir: config.dataDir, target: directory });
  });
  if (asJson) printJson(made);
  else print(`backed up to ${directory}`);
}
