import { Command, CommanderError } from "commander";
import { adminCommand } from "./admin.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./config.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { CommandRefused, exitCodes, exitCodesText } from "./exit-codes.ts";
import { migrateCommand } from "./migrate.ts";
import { complain } from "./print.ts";
import { psqlUrlCommand } from "./psql-url.ts";
import { serveCommand } from "./serve.ts";
import { tokenCommand } from "./token.ts";
import { commit, version } from "./version.ts";

const program = new Command("whispr-msg")
  .description("A complete self-hosted messaging backend in one executable.")
  .version(`whispr-msg ${version} (${commit}, bun ${Bun.version})`, "-V, --version")
  .addHelpText(
    "after",
    `\nExamples:\n  whispr-msg dev\n  JWT_JWKS_URL=https://auth.example/jwks.json whispr-msg serve\n  whispr-msg serve --help\n\n${exitCodesText}\nSettings come from the environment and from flags: whispr-msg config shows all of them.`,
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
  completionCommand,
]) {
  program.addCommand(command());
}

/** Commander passes neither on to commands that were added. */
function refuseAlike(command: Command): void {
  command.exitOverride().showHelpAfterError("(--help shows how it is used)");
  for (const each of command.commands) refuseAlike(each);
}
refuseAlike(program);

/** A reader may stop reading (`| head`): that ends no command. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

/** Commands that go on (serve, dev) end the process themselves. */
async function run(): Promise<number> {
  try {
    await program.parseAsync();
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof CommandRefused))
      complain(`whispr-msg: ${error instanceof Error ? error.stack : error}`);
    else complain(`whispr-msg: ${error.message}`);
    return error instanceof CommandRefused ? error.exitCode : exitCodes.failure;
  }
}

process.exitCode = await run();
