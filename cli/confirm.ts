import { createInterface } from "node:readline";
import { CommandRefused, exitCodes } from "./exit-codes.ts";

/**
 * Resolves when a person who was shown what is destroyed agrees: by `--yes`, or by typing yes at a terminal. Else the command ends, and
 * nothing is changed.
 */
export async function confirm(question: string, options: { readonly isSure: boolean }): Promise<void> {
  if (options.isSure) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandRefused(
      `${question} Nothing was changed: nobody can be asked here. Add --yes to say so in advance.`,
      exitCodes.usage,
    );
  }
  const answer = await answerTo(`${question} Type yes to go on: `);
  if (answer.trim().toLowerCase() !== "yes") throw new CommandRefused("Nothing was changed.");
}

/** Empty when the terminal is closed, or the question left by Ctrl-C or Ctrl-D. */
function answerTo(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    lines.once("close", () => resolve(""));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
