/** What is counted, each by keys of its own: a user, a user in a conversation, a connection, an address, the process. */
export type LimitName =
  | "user_messages"
  | "conversation_messages"
  | "connection_operations"
  | "connection_typing"
  | "connection_reads"
  | "connection_joins"
  | "user_frames"
  | "user_handshakes"
  | "address_failures"
  | "process_handshakes";

export interface Rate {
  /** 0: there is no limit. */
  readonly perMinute: number;
  /** How many may come at once after a pause; at least 1. In any time t, at most `burst` + `perMinute` × t are allowed. */
  readonly burst: number;
}

/** Every limit there is. */
export type Limits = Readonly<Record<LimitName, Rate>>;

/**
 * Counts against limits. Synchronous, because limits are asked inside the handlers of frames and requests: Bun serves
 * everything that is readable before any timer or other answer of the network gets its turn, so a limit that waited for one
 * would speak when the flood is in memory already. An implementation that shares its counts between nodes does so behind this.
 */
export interface Limiter {
  /**
   * 0: allowed, and counted as so many uses (1 where it is not said; more than the burst count as the burst). Else nothing was counted, and
   * the whole milliseconds after which it would be allowed.
   */
  take(limit: LimitName, key: string, uses?: number): number;
  /**
   * Takes back one use that was allowed: at once, it is as if it had never been. Later, it allows one use more than the rate does; never are
   * more than `burst` allowed at once.
   */
  giveBack(limit: LimitName, key: string): void;
  rateOf(limit: LimitName): Rate;
}
