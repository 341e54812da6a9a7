import { Command } from "commander";
import { duration, integer } from "../src/setting-values.ts";
import type { MigrationState } from "../src/store/migrator.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { complain, print, printJson, table } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

export function migrateCommand(): Command {
  const command = new Command("migrate")
    .description("the database's schema: up, down, status")
    .addHelpText(
      "after",
      "\nExamples:\n  DATABASE_URL=postgres://whispr@db/whispr whispr-msg migrate up\n  whispr-msg migrate down --to 3\n  whispr-msg migrate status --json",
    );
  command.addCommand(stepsCommand("up", "apply what is pending"));
  command.addCommand(stepsCommand("down", "take the newest step back, or all above --to"));
  command.addCommand(statusCommand());
  return command;
}

function stepsCommand(direction: "up" | "down", description: string): Command {
  const command = new Command(direction)
    .description(description)
    .option("--to <version>", "version to end at")
    .addHelpText(
      "after",
      `\nExamples:\n  whispr-msg migrate ${direction}\n  whispr-msg migrate ${direction} --to 1\n\nSeveral may run at once: one applies, the others wait.`,
    )
    .action(async (options: { to?: string }) => {
      const { config } = settingsOf(command, "tool");
      const to = options.to === undefined ? {} : { to: versionOf(options.to) };
      const { withDatabase, withExistingDatabase } = await import("./database-url.ts");
      const { migrate } = await import("../src/store/migrator.ts");
      const within = direction === "up" ? withDatabase : withExistingDatabase;
      const onProgress = (text: string) => complain(`${text} …`);
      const done = await within(config, (url) => migrate({ url, direction, onProgress, ...to }));
      for (const step of done) {
        print(
          `${step.direction} ${step.version}_${step.name} (${duration(0, 1).show(Math.round(step.tookMs))})`,
        );
      }
      if (done.length === 0) print("nothing to do");
    });
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

function versionOf(text: string): number {
  const version = integer(0, 99_999).parse(text);
  if (version !== undefined) return version;
  throw new CommandRefused(
    `--to is "${text}"; allowed: the number of a migration, 0 for none.`,
    exitCodes.usage,
  );
}

function statusCommand(): Command {
  const command = new Command("status")
    .description("which steps are applied, which are pending (exit code 1 when some are)")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExamples:\n  whispr-msg migrate status\n  whispr-msg migrate status --json")
    .action(async (options: { json?: true }) => {
      const { config } = settingsOf(command, "tool");
      const { withExistingDatabase } = await import("./database-url.ts");
      const { migrationReport } = await import("../src/store/migrator.ts");
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
