import type { BlockedSide } from "../conversations/blocks.ts";

/** A pair of users, in the order of their ids. */
export interface PairKey {
  readonly lowId: string;
  readonly highId: string;
}

/** The present blocks between two users, after one of them blocked or unblocked the other. */
export interface BlockedPair extends PairKey {
  /** Identifies this state of the pair, for `applied`. */
  readonly version: string;
  /** One of them has blocked the other. */
  readonly isApart: boolean;
  /** Their direct conversation. Null: they have none, or it cannot be read. */
  readonly conversation: { readonly id: string; readonly sides: readonly [BlockedSide, BlockedSide] } | null;
  /** Why the rows of this pair cannot be read; null: they were read. */
  readonly unreadable: string | null;
}

/**
 * The blocks between users that their conversations have yet to follow. Other processes may write them. A change stays pending across restarts
 * until it was applied.
 */
export interface Blocks {
  /** Calls back whenever something may be pending: at once, after each change, and after it may have missed changes. One listener. */
  subscribe(listener: () => void): void;
  /**
   * Returns pending pairs after `after`, in the order of their keys, at most `limit`. A pair whose rows cannot be read is returned as
   * `unreadable` and costs no other pair anything. Rejects when the store cannot be reached.
   */
  pending(after: PairKey | null, limit: number): Promise<readonly BlockedPair[]>;
  /** Ends the pending state of these pairs, unless they changed again since they were read. Rejects when the store cannot be reached. */
  applied(pairs: readonly BlockedPair[]): Promise<void>;
}
