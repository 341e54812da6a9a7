import { Command } from "commander";
import { backupCommand } from "./admin-backup.ts";
import { blockCommand, unblockCommand } from "./admin-block.ts";
import { inspectCommand } from "./admin-inspect.ts";
import { newGenerationCommand } from "./admin-new-generation.ts";
import { userIdCommand } from "./admin-user-id.ts";

export function adminCommand(): Command {
  return new Command("admin")
    .description("inspect a deployment, back it up, block users")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg admin inspect user 0198c0de-0000-7000-8000-00000000a11c\n  whispr-msg admin backup /backups/monday\n  whispr-msg admin new-generation\n  whispr-msg admin block 0198c0de-0000-7000-8000-00000000a11c 0198c0de-0000-7000-8000-000000000b0b",
    )
    .addCommand(inspectCommand())
    .addCommand(backupCommand())
    .addCommand(newGenerationCommand())
    .addCommand(blockCommand())
    .addCommand(unblockCommand())
    .addCommand(userIdCommand());
}
