import { Command } from "commander";
import { noteCommand } from "./admin-note.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";
import { version } from "./version.ts";

export function newGenerationCommand(): Command {
  const command = new Command("new-generation")
    .description("after the restore of a disk snapshot: tell devices that the log may have gone back")
    .option("--json", "as JSON: generation")
    .addHelpText(
      "after",
      "\nwhispr-msg detects by itself that a backup or a pg_dump was restored, the database copied, or a standby promoted. A disk snapshot looks like\nthe original, and so do rows that were copied back into existing tables (pg_restore --data-only, COPY). Run it while no whispr-msg serves:\nthen only devices that know more than the database start afresh.\n\nExamples:\n  whispr-msg admin new-generation\n  whispr-msg admin new-generation --data-dir /var/lib/whispr",
    )
    .action((options: { json?: true }) => runNewGeneration(command, options.json === true));
  return withSettings(command, ["dataDir", "databaseUrl"]);
}

async function runNewGeneration(command: Command, asJson: boolean): Promise<void> {
  const { config } = settingsOf(command, "tool");
  const { withExistingDatabase } = await import("./database-url.ts");
  const { newGeneration } = await import("../src/store/ownership/generation.ts");
  const { checkSchema } = await import("../src/store/schema/migrator.ts");
  const { systemClock } = await import("../src/system.ts");
  const generation = await withExistingDatabase(config, async (url) => {
    await checkSchema({ url, binary: version });
    await noteCommand(config, url, { command: "admin new-generation" });
    return newGeneration(url, systemClock.nowUs());
  });
  if (asJson) return printJson({ generation });
  print(`generation ${generation} begins: devices that know more than the database start afresh`);
}
