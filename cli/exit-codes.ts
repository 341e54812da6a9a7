/** The exit codes of all commands; shown by `--help`. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, taken: 3 } as const;

export const exitCodesText = `Exit codes: 0 done; 1 it failed; 2 wrong usage or settings; 3 another process has the port, the data directory or the database.`;

/** Ends the command with a message for people, without a stack trace. */
export class CommandRefused extends Error {
  readonly exitCode: number;

  constructor(text: string, exitCode: number = exitCodes.failure) {
    super(text);
    this.exitCode = exitCode;
  }
}
