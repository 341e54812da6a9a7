import type { BlockedSide } from "../conversations/blocks.ts";

/** Two users between whom something was blocked or unblocked, and what is so now. */
export interface BlockedPair {
  readonly lowId: string;
  readonly highId: string;
  /** Which state of the pair this is, for `applied`. */
  readonly version: string;
  /** Null: the two have none. */
  readonly conversation: { readonly id: string; readonly sides: readonly [BlockedSide, BlockedSide] } | null;
}

/**
 * What is blocked between users, as it was said; their conversations follow. Whoever says it may be another process: what is not yet so stays
 * pending across restarts.
 */
export interface Blocks {
  /** Calls whenever something may be pending: at once, after each change, and after changes may have been missed. One listener. */
  subscribe(listener: () => void): void;
  /** Rejects when the store cannot be reached. */
  pending(limit: number): Promise<readonly BlockedPair[]>;
  /** These are so now, but for those that have changed again since they were read. Rejects when the store cannot be reached. */
  applied(pairs: readonly BlockedPair[]): Promise<void>;
}
