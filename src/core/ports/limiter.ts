import type { LimitName } from "../limits/budgets.ts";

export interface Rate {
  /** 0: there is no limit. */
  readonly perMinute: number;
  /** How much may be used at once after a pause; at least 1. In any time t, at most `burst` + `perMinute` × t is allowed. */
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
   * 0: allowed, and counted. Else nothing was counted, and the whole milliseconds after which it would be allowed. `cost`: how much is used, 1 if
   * absent. What costs more than the burst is allowed once all of the burst is there, and is counted whole.
   */
  take(limit: LimitName, key: string, cost?: number): number;
  /** Counts what was used already, also beyond what is allowed: until it is made up for, nothing more is. */
  charge(limit: LimitName, key: string, cost: number): void;
  /**
   * Takes back what was allowed: at once, it is as if it had never been. Later, it allows so much more than the rate does; never is
   * more than `burst` allowed at once.
   */
  giveBack(limit: LimitName, key: string, cost?: number): void;
  rateOf(limit: LimitName): Rate;
}
