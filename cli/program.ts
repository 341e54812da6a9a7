import { Command } from "commander";
import { adminCommand } from "./admin.ts";
import { asyncApiCommand, openApiCommand } from "./api-documents.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./config.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { exitCodesText } from "./exit-codes.ts";
import { migrateCommand } from "./migrate.ts";
import { psqlUrlCommand } from "./psql-url.ts";
import { sbomCommand } from "./sbom.ts";
import { serveCommand } from "./serve.ts";
import { tokenCommand } from "./token.ts";
import { commit, version } from "./version.ts";

/** All commands, as they are typed. */
export function whisprMsg(): Command {
  const program = new Command("whispr-msg")
    .description("A complete self-hosted messaging backend in one executable.")
    .version(`whispr-msg ${version} (${commit}, bun ${Bun.version})`, "-V, --version")
    .addHelpText(
      "after",
      `\nExamples:\n  whispr-msg dev\n  JWT_JWKS_URL=https://auth.example/jwks.json whispr-msg serve\n  whispr-msg serve --help\n\n${exitCodesText}\nSettings come from the environment and from options: whispr-msg config shows all of them.`,
    );

  for (const command of [
    serveCommand,
    devCommand,
    migrateCommand,
    configCommand,
    tokenCommand,
    psqlUrlCommand,
    adminCommand,
    doctorCommand,
    openApiCommand,
    asyncApiCommand,
    completionCommand,
    sbomCommand,
  ]) {
    program.addCommand(command());
  }
  refuseAlike(program);
  return program;
}

/** Commander passes neither on to commands that were added. */
function refuseAlike(command: Command): void {
  command.exitOverride().showHelpAfterError("(--help shows the usage)");
  for (const each of command.commands) refuseAlike(each);
}
