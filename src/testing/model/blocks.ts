import type { BlockedSide } from "../../core/conversations/blocks.ts";
import type { BlockedPair, Blocks, PairKey } from "../../core/ports/blocks.ts";
import type { BlockChange } from "../../store/change-block.ts";
import { type Log, memberOf } from "./log.ts";
import type { ModelStore, Pair } from "./model-store.ts";

/** Stores as store/blocks.ts and store/change-block.ts do. */
export class ModelBlocks implements Blocks {
  readonly #model: ModelStore;
  #listener: () => void = () => {};

  constructor(model: ModelStore) {
    this.#model = model;
  }

  /** Stores a block or its end, as `changeBlock` does. */
  change({ blockerId, blockedId, isBlocked, atUs }: BlockChange): void {
    const pair = this.#model.pairOf(blockerId, blockedId);
    const side = blockerId === pair.lowId ? "lowBlocksSinceUs" : "highBlocksSinceUs";
    pair[side] = isBlocked ? (pair[side] ?? atUs) : null;
    pair.isPending = true;
    this.#listener();
  }

  subscribe(listener: () => void): void {
    this.#listener = listener;
    listener();
  }

  async pending(after: PairKey | null, limit: number): Promise<readonly BlockedPair[]> {
    return [...this.#model.pairs.values()]
      .filter((pair) => pair.isPending && (!after || isBehind(pair, after)))
      .sort((one, other) => (isBehind(one, other) ? 1 : -1))
      .slice(0, limit)
      .map((pair) => this.#toBlockedPair(pair));
  }

  async applied(pairs: readonly BlockedPair[]): Promise<void> {
    for (const { lowId, highId, version } of pairs) {
      const pair = this.#model.pairOf(lowId, highId);
      if (versionOf(pair) === version) pair.isPending = false;
    }
  }

  #toBlockedPair(pair: Pair): BlockedPair {
    const { lowId, highId, lowBlocksSinceUs, highBlocksSinceUs } = pair;
    const log = [...this.#model.logs.values()].find(
      (each) => each.pair?.[0] === lowId && each.pair[1] === highId,
    );
    const sideOf = (userId: string, isBlocked: boolean) => toSide(log!, userId, isBlocked);
    return {
      lowId,
      highId,
      version: versionOf(pair),
      isApart: lowBlocksSinceUs !== null || highBlocksSinceUs !== null,
      conversation: log
        ? {
            id: log.id,
            sides: [sideOf(lowId, highBlocksSinceUs !== null), sideOf(highId, lowBlocksSinceUs !== null)],
          }
        : null,
      unreadable: null,
    };
  }
}

function toSide({ members }: Log, userId: string, isBlocked: boolean): BlockedSide {
  const stored = members.get(userId);
  return {
    userId,
    isBlocked,
    hasDeclined: stored?.staysOutUntilUs !== undefined,
    member: stored ? memberOf(stored) : null,
  };
}

function versionOf({ lowBlocksSinceUs, highBlocksSinceUs }: Pair): string {
  return `${lowBlocksSinceUs ?? ""},${highBlocksSinceUs ?? ""}`;
}

function isBehind(one: PairKey, other: PairKey): boolean {
  return one.lowId > other.lowId || (one.lowId === other.lowId && one.highId > other.highId);
}
