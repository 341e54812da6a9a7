import { Command } from "commander";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";
import { version } from "./version.ts";

export function adminCommand(): Command {
  const command = new Command("admin")
    .description("look into a deployment and back it up")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg admin inspect conversation 0198c0de-0000-7000-8000-00000000a11c\n  whispr-msg admin backup /backups/monday\n  whispr-msg admin new-generation",
    );
  command.addCommand(inspectCommand());
  command.addCommand(backupCommand());
  command.addCommand(newGenerationCommand());
  return command;
}

function inspectCommand(): Command {
  const conversation = new Command("conversation")
    .description("heads, members, owner of a conversation as JSON: never content")
    .argument("<id>", "the conversation's uuid")
    .addHelpText(
      "after",
      "\nExample:\n  whispr-msg admin inspect conversation 0198c0de-0000-7000-8000-00000000a11c",
    )
    .action((id: string) => inspect(conversation, id.toLowerCase()));
  return new Command("inspect")
    .description("what is stored, for operators")
    .addHelpText(
      "after",
      "\nExample:\n  whispr-msg admin inspect conversation 0198c0de-0000-7000-8000-00000000a11c",
    )
    .addCommand(withSettings(conversation, ["dataDir", "databaseUrl"]));
}

async function inspect(command: Command, id: string): Promise<void> {
  const { isUuid } = await import("../src/core/ports/ids.ts");
  if (!isUuid(id)) throw new CommandRefused(`"${id}" is not a uuid.`, exitCodes.usage);
  const { config } = settingsOf(command, "tool");
  const { withDatabase } = await import("./database-url.ts");
  const { inspectConversation } = await import("../src/store/inspect.ts");
  const found = await withDatabase(config, (url) => inspectConversation(url, id));
  if (!found) throw new CommandRefused(`There is no conversation ${id}.`);
  printJson(found);
}

function backupCommand(): Command {
  const command = new Command("backup")
    .description("a consistent copy of the embedded database, while it runs or not")
    .argument("<directory>", "where to put it; must not exist yet, or be empty")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg admin backup /backups/monday\n  WHISPR_DATA_DIR=/backups/monday whispr-msg serve    # a copy of it, restored",
    )
    .action((directory: string) => runBackup(command, directory));
  return withSettings(command, ["dataDir"]);
}

async function runBackup(command: Command, directory: string): Promise<void> {
  const { config } = settingsOf(command, "tool");
  if (config.database.type === "postgres") {
    throw new CommandRefused(
      "DATABASE_URL (or DB_*) is set: back that database up with its own tools (pg_basebackup, pg_dump).",
      exitCodes.usage,
    );
  }
  const { withDatabase } = await import("./database-url.ts");
  const { backup } = await import("../src/store/embedded/backup.ts");
  await withDatabase(config, () => backup({ dataDir: config.dataDir, target: directory }));
  print(`backed up to ${directory}`);
}

function newGenerationCommand(): Command {
  const command = new Command("new-generation")
    .description("after a disk snapshot was restored: tell devices that the log may have gone back")
    .addHelpText(
      "after",
      "\nWhispr-msg sees by itself that a backup was restored or a standby promoted; a disk snapshot looks like the original.\nStop every whispr-msg of the database first.\n\nExamples:\n  whispr-msg admin new-generation\n  whispr-msg admin new-generation --data-dir /var/lib/whispr",
    )
    .action(() => runNewGeneration(command));
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

async function runNewGeneration(command: Command): Promise<void> {
  const { config } = settingsOf(command, "tool");
  const { withDatabase } = await import("./database-url.ts");
  const { newGeneration } = await import("../src/store/generation.ts");
  const { checkSchema } = await import("../src/store/migrator.ts");
  const { systemClock } = await import("../src/system.ts");
  const generation = await withDatabase(config, async (url) => {
    await checkSchema({ url, binary: version });
    return newGeneration(url, systemClock.nowUs());
  });
  print(`generation ${generation} begins: devices that know more than the database does start anew`);
}
