/** Shards: the last 12 bits of a conversation's id. A persistent format, computed alike in SQL. */
export const shardCount = 4096;

export function shardOf(conversationId: string): number {
  return Number.parseInt(conversationId.slice(-3), 16);
}

/**
 * The right to decide for shards. Leases and locks make it fast; the epoch in every write makes it safe.
 */
export interface Ownership {
  /** Whether this node may serve from memory now. */
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
}
