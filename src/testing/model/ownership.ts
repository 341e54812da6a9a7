import { allShards, type Ownership, type OwnershipListener, shardCount } from "../../core/ports/ownership.ts";

/** Where the epochs of a model are stored. */
export interface ModelEpochs {
  readonly epochs: Float64Array;
  raiseEpochs(shards: Iterable<number>): void;
}

/** The node to which shards go in the model. */
export const otherNode = "another node";

/** Ownership in memory, of shards that move one by one or all at once, as the test says. Holds all of them from the beginning. */
export class ModelOwnership implements Ownership {
  readonly nodeId = "this node";
  readonly #store: ModelEpochs;
  readonly #ask: <T>(read: () => T) => Promise<T>;
  readonly #known = new Float64Array(shardCount);
  /** By shard, the node that holds it; absent: none. */
  readonly #owners = new Map([...allShards].map((shard) => [shard, this.nodeId]));
  /** Taken by another node, which this one has not learned yet. */
  readonly #stolen = new Set<number>();
  readonly #listeners: OwnershipListener[] = [];
  readonly #historyListeners: (() => void)[] = [];
  readonly #resumeListeners: (() => void)[] = [];
  #isConfirmed = true;

  constructor(options: {
    readonly store: ModelEpochs;
    /** Asks the store: late, or not at all. */
    readonly ask?: <T>(read: () => T) => Promise<T>;
  }) {
    this.#store = options.store;
    this.#ask = options.ask ?? (async (read) => read());
    this.#known.set(options.store.epochs);
  }

  isHeld(shard: number): boolean {
    return this.ownerOf(shard) === this.nodeId;
  }

  ownerOf(shard: number): string | null {
    const owner = this.#owners.get(shard) ?? null;
    return owner === this.nodeId && !this.#isConfirmed ? null : owner;
  }

  epochOf(shard: number): number {
    return this.#known[shard]!;
  }

  async renew(shards: readonly number[]): Promise<ReadonlySet<number>> {
    return this.#ask(() => {
      if (!shards.every((shard) => this.#owners.has(shard))) throw new Error("nobody holds them at present");
      this.lose(
        shards.filter((shard) => this.#stolen.delete(shard)),
        otherNode,
      );
      const held = shards.filter((shard) => this.#owners.get(shard) === this.nodeId);
      this.#take(held);
      return new Set(held);
    });
  }

  onChange(listener: OwnershipListener): void {
    this.#listeners.push(listener);
  }

  onResumed(listener: () => void): void {
    this.#resumeListeners.push(listener);
  }

  onNewHistory(listener: () => void): void {
    this.#historyListeners.push(listener);
  }

  /** Loses shards, by default all of them, to another node or to none. */
  lose(shards: Iterable<number> = allShards, owner: string | null = null): void {
    const lost = new Set([...shards].filter((shard) => this.#owners.get(shard) === this.nodeId));
    if (owner !== null) this.#store.raiseEpochs(lost);
    for (const shard of lost) {
      if (owner === null) this.#owners.delete(shard);
      else this.#owners.set(shard, owner);
    }
    this.#tell(lost, false);
  }

  /** Takes those of the shards, by default of all, that it does not hold, with new epochs. */
  gain(shards: Iterable<number> = allShards): void {
    const gained = new Set(
      [...shards].filter((shard) => this.#owners.get(shard) !== this.nodeId || this.#stolen.delete(shard)),
    );
    this.#take(gained);
    for (const shard of gained) this.#owners.set(shard, this.nodeId);
    this.#tell(gained, true);
  }

  /** Another node takes shards. This one learns of it when it renews them. */
  steal(shards: readonly number[]): void {
    this.#store.raiseEpochs(shards);
    for (const shard of shards) if (this.#owners.get(shard) === this.nodeId) this.#stolen.add(shard);
  }

  /** What is held is not confirmed until `resume`: nobody else holds it. */
  pause(): void {
    this.#isConfirmed = false;
  }

  resume(): void {
    this.#isConfirmed = true;
    for (const listener of this.#resumeListeners) listener();
  }

  /** The store has another history now. */
  restore(): void {
    for (const listener of this.#historyListeners) listener();
  }

  #take(shards: Iterable<number>): void {
    const taken = [...shards];
    this.#store.raiseEpochs(taken);
    for (const shard of taken) this.#known[shard] = this.#store.epochs[shard]!;
  }

  #tell(shards: ReadonlySet<number>, held: boolean): void {
    if (shards.size === 0) return;
    for (const listener of this.#listeners) listener(shards, held);
  }
}
