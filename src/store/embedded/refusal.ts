export type EmbeddedRefusalCode =
  | "backup_impossible"
  | "backup_target"
  | "closed_directory"
  | "foreign_directory"
  | "held"
  | "held_elsewhere"
  | "no_locks"
  | "no_shell"
  | "no_socket_directory"
  | "no_usable_uid"
  | "noexec"
  | "not_a_directory"
  | "not_owner"
  | "not_running"
  | "not_writable"
  | "other_major"
  | "read_only"
  | "start_failed"
  | "unsupported_platform";

/** The embedded PostgreSQL cannot run here. The text names the directory, what is wrong and the way out. */
export class EmbeddedRefusal extends Error {
  readonly code: EmbeddedRefusalCode;
  readonly directory: string;

  constructor(refusal: { code: EmbeddedRefusalCode; directory: string; problem: string; wayOut: string }) {
    super(`${refusal.directory}: ${refusal.problem}. ${refusal.wayOut}.`);
    this.name = "EmbeddedRefusal";
    this.code = refusal.code;
    this.directory = refusal.directory;
  }
}

/** The code of a system error (`ENOENT`), or of a PostgreSQL error (`57P03`); empty for anything else. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return String(error.code);
}
