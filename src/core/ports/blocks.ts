import type { BlockedSide } from "../conversations/blocks.ts";

/** Names a pair: the two users in the order of their ids. */
export interface PairKey {
  readonly lowId: string;
  readonly highId: string;
}

/** Two users between whom something was blocked or unblocked, and what is so now. */
export interface BlockedPair extends PairKey {
  /** Which state of the pair this is, for `applied`. */
  readonly version: string;
  /** One of them has blocked the other. */
  readonly isApart: boolean;
  /** Null: the two have none, or it cannot be read. */
  readonly conversation: { readonly id: string; readonly sides: readonly [BlockedSide, BlockedSide] } | null;
  /** Why the rows of this pair cannot be read; null: they can. */
  readonly unreadable: string | null;
}

/**
 * What is blocked between users, as it was said; their conversations follow. Whoever says it may be another process: what is not yet so stays
 * pending across restarts.
 */
export interface Blocks {
  /** Calls whenever something may be pending: at once, after each change, and after changes may have been missed. One listener. */
  subscribe(listener: () => void): void;
  /**
   * Returns pending pairs after `after`, in the order of their keys, at most `limit`. A pair whose rows cannot be read is returned as
   * `unreadable` and costs no other pair anything. Rejects when the store cannot be reached.
   */
  pending(after: PairKey | null, limit: number): Promise<readonly BlockedPair[]>;
  /** These are so now, but for those that have changed again since they were read. Rejects when the store cannot be reached. */
  applied(pairs: readonly BlockedPair[]): Promise<void>;
}
