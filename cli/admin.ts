import { Command } from "commander";
import { backupCommand } from "./admin-backup.ts";
import { inspectCommand } from "./admin-inspect.ts";
import { newGenerationCommand } from "./admin-new-generation.ts";

export function adminCommand(): Command {
  return new Command("admin")
    .description("look into a deployment and back it up")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg admin inspect user 0198c0de-0000-7000-8000-00000000a11c\n  whispr-msg admin backup /backups/monday\n  whispr-msg admin new-generation",
    )
    .addCommand(inspectCommand())
    .addCommand(backupCommand())
    .addCommand(newGenerationCommand());
}
