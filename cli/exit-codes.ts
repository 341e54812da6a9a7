/** What a command ends with; shown in every `--help`. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, taken: 3 } as const;

export const exitCodesText = `Exit codes: 0 done; 1 it failed; 2 wrong usage or settings; 3 another process has the port, the data directory or the database.`;

/** Ends the command with a text for people, without a stack. */
export class CommandRefused extends Error {
  readonly exitCode: number;

  constructor(text: string, exitCode: number = exitCodes.failure) {
    super(text);
    this.exitCode = exitCode;
  }
}
