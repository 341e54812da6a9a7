import { createInterface } from "node:readline";
import { CommandRefused, exitCodes } from "./exit-codes.ts";

/**
 * Resolves when the person, who was shown what is destroyed, agrees: by `--yes`, or by typing yes at a terminal. Otherwise the command
 * ends and nothing is changed.
 */
export async function confirm(question: string, options: { readonly isSure: boolean }): Promise<void> {
  if (options.isSure) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandRefused(
      `${question} Nothing was changed, because there is no terminal to ask at. Add --yes to agree in advance.`,
      exitCodes.usage,
    );
  }
  const answer = await answerTo(`${question} Type yes to continue: `);
  if (answer.trim().toLowerCase() !== "yes") throw new CommandRefused("Nothing was changed.");
}

/** Returns the answer; empty after Ctrl-C, Ctrl-D or a closed terminal. */
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
