/** Something that an operator must know of, or may have to find later. */
export interface Incident {
  /** `warn`: something is worse than it should be and mends itself, or a setting is wrong. `error`: users notice, or will. `info`: of the security log. */
  readonly level: "info" | "warn" | "error";
  /** The log that it belongs to beside the general one. */
  readonly log?: "security";
  /** What happened, as the log line says it. One sentence without a full stop. */
  readonly means: string;
  /** What the operator can do about it. */
  readonly action: string;
  /** Lines in the pause; 1 unless the lines of one name tell of different things. */
  readonly lines?: number;
  /** Between two lines of this name; 10 s where it is not said. What an operator may leave as it is comes seldom. */
  readonly pauseMs?: number;
  /** The field whose values are counted apart: one address must not use up the lines of all others. */
  readonly by?: "address" | "user_id" | "conversation_id";
}
