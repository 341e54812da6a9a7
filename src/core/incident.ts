/** Something that an operator must know, or may have to find later. */
export interface Incident {
  /** `warn`: a problem that ends by itself, or a wrong setting. `error`: users notice it, or will. `info`: a line of the security log. */
  readonly level: "info" | "warn" | "error";
  /** The additional log that it belongs to. */
  readonly log?: "security";
  /** The text of the log line: one sentence without a full stop. */
  readonly means: string;
  /** Tells the operator what to do about it. */
  readonly action: string;
  /** Maximum lines in one pause. Default: 1; more when lines of one name report different things. */
  readonly lines?: number;
  /** Milliseconds between two lines of this name. Default: 10 s; longer for what an operator may accept. */
  readonly pauseMs?: number;
  /** The field whose values are throttled separately: one address must not use up the lines of all others. */
  readonly by?: "address" | "user_id" | "conversation_id";
}
