/** Shards: the last 12 bits of a conversation's id. A persistent format, computed alike in SQL. */
export const shardCount = 4096;

export function shardOf(conversationId: string): number {
  return Number.parseInt(conversationId.slice(-3), 16);
}

/**
 * The right to decide for shards. Leases and locks make it fast; the epoch in every write makes it safe.
 */
export interface Ownership {
  /** Whether this node may serve from memory now: it holds the right, and that was confirmed within the last seconds. */
  isHeld(): boolean;
  /** The epoch at which this node holds the shard. Only meaningful while `isHeld()`. */
  epochOf(shard: number): number;
  /**
   * Makes whatever was sent at the known epochs of these shards impossible or visible: waits for old transactions, fences
   * them, and takes new epochs, where the shards are still this node's. Answers the shards that are held afterwards. Throws when
   * the store cannot be reached.
   */
  renew(shards: readonly number[]): Promise<ReadonlySet<number>>;
  /** Called each time the right was gained or lost as a whole; memory from before a gain must not be trusted. */
  onChange(listener: (held: boolean) => void): void;
  /**
   * Called when the right was not confirmed for a while and is again, without having been lost: nobody else had it meanwhile, so memory is
   * good, and what waited because of `isHeld()` may go on.
   */
  onResumed(listener: () => void): void;
  /**
   * Called when the store turns out to have another history than the one that this node knew: it was restored or promoted, or a new
   * generation was begun by hand. What is remembered, queued or was sent of the old one is void. On a take-over it comes before
   * `onChange(true)`. Listeners are called in the order in which they were added.
   */
  onNewHistory(listener: () => void): void;
}
