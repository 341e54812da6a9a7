import { Command } from "commander";
import type { MigrationState } from "../src/store/schema/migrator.ts";
import { noteCommand } from "./admin-note.ts";
import { CommandRefused } from "./exit-codes.ts";
import { downCommand } from "./migrate-down.ts";
import { applied, versionIn } from "./migrate-steps.ts";
import { complain, print, printJson, table } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

export function migrateCommand(): Command {
  const command = new Command("migrate")
    .description("change the schema of the database: up, down, status")
    .addHelpText(
      "after",
      "\nExamples:\n  DATABASE_URL=postgres://whispr@db/whispr whispr-msg migrate up\n  whispr-msg migrate down --dry-run\n  whispr-msg migrate status --json",
    );
  command.addCommand(upCommand());
  command.addCommand(downCommand());
  command.addCommand(statusCommand());
  return command;
}

function upCommand(): Command {
  const command = new Command("up")
    .description("apply pending migrations")
    .option("--to <version>", "the version to end at")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg migrate up\n  whispr-msg migrate up --to 1\n\nWhen several run at once, one applies the migrations and the others wait.",
    )
    .action(async (options: { to?: string }) => {
      const { config } = settingsOf(command, "tool");
      const to = versionIn(options.to);
      const { withDatabase } = await import("./database-url.ts");
      await withDatabase(config, async (url) => {
        await noteCommand(config, url, { command: "migrate up", target: options.to ?? "" });
        await applied(url, { direction: "up", ...to });
      });
    });
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

function statusCommand(): Command {
  const command = new Command("status")
    .description("show which migrations are applied and which are pending (exit code 1 if some are)")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExamples:\n  whispr-msg migrate status\n  whispr-msg migrate status --json")
    .action(async (options: { json?: true }) => {
      const { config } = settingsOf(command, "tool");
      const { withExistingDatabase } = await import("./database-url.ts");
      const { migrationReport } = await import("../src/store/schema/migrator.ts");
      const { states, long } = await withExistingDatabase(config, (url) => migrationReport({ url }));
      if (options.json) printJson(states);
      else print(table([["VERSION", "NAME", "APPLIED"], ...states.map(rowOf)]));
      for (const text of long) complain(text);
      const pending = states.filter(({ appliedAt }) => appliedAt === null).length;
      if (pending > 0) throw new CommandRefused(`${pending} pending: whispr-msg migrate up applies them.`);
    });
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

function rowOf({ version, name, appliedAt, isKnown }: MigrationState): readonly string[] {
  return [String(version), isKnown ? name : `${name} (of a newer whispr-msg)`, appliedAt ?? "pending"];
}
