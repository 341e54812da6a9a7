import { CommanderError } from "commander";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { complain } from "./print.ts";
import { whisprMsg } from "./program.ts";

/** A reader may stop reading (`| head`): that ends no command. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

/** Commands that go on (serve, dev) end the process themselves. */
async function run(): Promise<number> {
  try {
    await whisprMsg().parseAsync();
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
