/** Something that an operator must know of, or may have to find later. */
export interface Incident {
  /** `warn`: something is worse than it should be and mends itself, or a setting is wrong. `error`: users notice, or will. `info`: of the security log. */
  readonly level: "info" | "warn" | "error";
  /** The additional log that it belongs to. */
  readonly log?: "security";
  /** What happened, as the log line says it. One sentence without a full stop. */
  readonly means: string;
  /** What the operator can do about it. */
  readonly action: string;
  /** The most lines in one pause. Default: 1; more when lines of one name report different things. */
  readonly lines?: number;
  /** Milliseconds between two lines of this name. Default: 10 s; longer for what an operator may leave as it is. */
  readonly pauseMs?: number;
  /** The field whose values are throttled separately: one address must not use up the lines of all others. */
  readonly by?: "address" | "user_id" | "conversation_id";
}
