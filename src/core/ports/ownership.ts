/** Shards: the last 12 bits of a conversation's id. A persistent format, computed alike in SQL. */
export const shardCount = 4096;

export const allShards: ReadonlySet<number> = new Set(
  Array.from({ length: shardCount }, (_, shard) => shard),
);

export function shardOf(conversationId: string): number {
  return Number.parseInt(conversationId.slice(-3), 16);
}

/** Returns whether the predicate holds for a shard. Asks until the first one for which it does. */
export function someShard(holds: (shard: number) => boolean): boolean {
  for (let shard = 0; shard < shardCount; shard++) if (holds(shard)) return true;
  return false;
}

/**
 * Which node decides for a shard. Locks and leases make it fast; the epoch in every write makes it safe.
 *
 * Shards move one by one or all at once, and this node may learn of it late. It learns of it by `onChange`, at the latest from `renew`.
 */
export interface Ownership {
  /** This process. Another one has another id, also after a restart. */
  readonly nodeId: string;
  /** Whether this node may serve the shard from memory now: it holds the shard, and that was confirmed within the last seconds. */
  isHeld(shard: number): boolean;
  /** Returns the node that decides for the shard: `nodeId` exactly while `isHeld(shard)`; null: none that can be reached from here. */
  ownerOf(shard: number): string | null;
  /** Returns the epoch at which this node holds the shard. Only meaningful while `isHeld(shard)`. */
  epochOf(shard: number): number;
  /**
   * Makes all that was sent at the known epochs of these shards impossible or visible: waits for old transactions, fences them, and takes
   * new epochs, where the shards are still this node's. Returns those that it holds afterwards. The others are another node's, which has
   * fenced them: `isHeld` says so by then, and `onChange` was called. Throws when the store cannot be reached, and while nobody holds one of
   * them: what was sent may still be stored.
   */
  renew(shards: readonly number[]): Promise<ReadonlySet<number>>;
  /**
   * Called when shards were gained or lost, after `isHeld` says so. Memory of a shard from before its gain must not be trusted. Listeners are
   * called in the order in which they were added.
   */
  onChange(listener: OwnershipListener): void;
  /**
   * Called when the right was not confirmed for a while and is again, without having been lost: nobody else had it meanwhile, so memory is
   * good, and what waited because of `isHeld` may go on.
   */
  onResumed(listener: () => void): void;
  /**
   * Called when the store turns out to have another history than the one that this node knew: it was restored or promoted, or a new
   * generation was begun by hand. What is remembered, queued or was sent of the old one is void. On a take-over it comes before
   * `onChange`. Listeners are called in the order in which they were added.
   */
  onNewHistory(listener: () => void): void;
}

export type OwnershipListener = (shards: ReadonlySet<number>, held: boolean) => void;
