import { escapeControls } from "../../telemetry/escape-controls.ts";

export type EmbeddedRefusalCode =
  | "backup_impossible"
  | "backup_target"
  | "closed_directory"
  | "disk_full"
  | "foreign_directory"
  | "held"
  | "held_elsewhere"
  | "no_account"
  | "no_locks"
  | "no_shell"
  | "no_socket_directory"
  | "no_usable_uid"
  | "noexec"
  | "not_a_directory"
  | "not_owner"
  | "not_running"
  | "not_writable"
  | "open_directory"
  | "other_major"
  | "other_owner"
  | "read_only"
  | "start_failed"
  | "unsafe_entry"
  | "unsafe_parent"
  | "unsafe_path"
  | "unsupported_platform"
  | "unusable";

/** The embedded PostgreSQL cannot run here. The text names the directory, what is wrong and the way out; others may have chosen parts of it. */
export class EmbeddedRefusal extends Error {
  readonly code: EmbeddedRefusalCode;
  readonly directory: string;
  readonly problem: string;

  constructor(refusal: { code: EmbeddedRefusalCode; directory: string; problem: string; wayOut: string }) {
    super(escapeControls(`${refusal.directory}: ${refusal.problem}. ${refusal.wayOut}.`));
    this.name = "EmbeddedRefusal";
    this.code = refusal.code;
    this.directory = refusal.directory;
    this.problem = refusal.problem;
  }
}

/** The code of a system error (`ENOENT`), or of a PostgreSQL error (`57P03`); empty for anything else. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return String(error.code);
}

/** Something in a data directory that whispr-msg did not put there, or that somebody replaced. */
export function unsafeEntry(path: string, problem: string): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "unsafe_entry",
    directory: path,
    problem: `${problem}, which whispr-msg never makes there`,
    wayOut:
      "Look at what it is and who made it; remove it, or put the file itself in its place, and start again",
  });
}

/** A full disk, seen from what was left behind in the log or by the file system. */
export function diskFull(directory: string): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "disk_full",
    directory,
    problem: "its disk is full; a new database needs about 200 MB",
    wayOut: "Free some space there, or set WHISPR_DATA_DIR to another disk, and start again",
  });
}

/** What the system says of a directory, and what PostgreSQL did when it could not start there. */
export function startFailed(failed: {
  directory: string;
  log: string;
  how: string;
  lines: string;
}): EmbeddedRefusal {
  const { directory, log, how, lines } = failed;
  if (/No space left on device|Disk quota exceeded/.test(lines) && !/shared memory/.test(lines))
    return diskFull(directory);
  return new EmbeddedRefusal({
    code: "start_failed",
    directory,
    problem: `${how}: ${lines}`,
    wayOut: `Look into ${log}, remove the cause and start again`,
  });
}
