import { expect, test } from "bun:test";
import { allShards, type Ownership, shardCount } from "../../core/ports/ownership.ts";
import { eventually } from "../../testing/eventually.ts";

export interface OwnershipStage {
  /** Holds nothing yet. */
  readonly ownership: Ownership;
  /** Begins to hold shards, as soon as it can. */
  begin(): void;
  /** Takes away all that it holds. It may get it back by itself. */
  takeAway(): Promise<void>;
  /** Another node raises the epochs of these shards, whether it may or not. */
  raiseEpochs(shards: readonly number[]): Promise<void>;
  /** By shard, the epoch at which the store takes writes. */
  storedEpochs(): Promise<ReadonlyMap<number, number>>;
  stop(): Promise<void>;
}

/** What every ownership holds to, however shards are held. */
export function ownershipContract(make: () => Promise<OwnershipStage>): void {
  async function started() {
    const stage = await make();
    const { ownership } = stage;
    const changes: { readonly held: boolean; readonly shards: ReadonlySet<number> }[] = [];
    const lies: string[] = [];
    ownership.onChange((shards, held) => {
      for (const shard of shards) if (ownership.isHeld(shard) !== held) lies.push(`${shard} is not ${held}`);
      changes.push({ held, shards });
    });
    const heldShards = () => [...allShards].filter((shard) => ownership.isHeld(shard));
    const gained = () => eventually("it holds shards", () => heldShards().length > 0);
    return { ...stage, changes, lies, heldShards, gained };
  }

  test("nothing is held before it begins, and nothing can be renewed", async () => {
    const { ownership, heldShards, stop } = await started();
    expect(heldShards()).toEqual([]);
    expect(ownership.ownerOf(7)).toBeNull();
    await expect(ownership.renew([7])).rejects.toThrow();
    await stop();
  });

  test("what is gained and lost is told as sets of shards, after it is so, and the owner of what is held is this node", async () => {
    const { ownership, begin, takeAway, changes, lies, heldShards, gained, stop } = await started();
    begin();
    await gained();
    const held = heldShards();
    expect(changes).toEqual([{ held: true, shards: new Set(held) }]);
    for (let shard = 0; shard < shardCount; shard++)
      expect(ownership.ownerOf(shard) === ownership.nodeId).toBe(ownership.isHeld(shard));
    await takeAway();
    await eventually("the loss is told", () => changes.length > 1);
    expect(changes[1]).toEqual({ held: false, shards: new Set(held) });
    expect(lies).toEqual([]);
    await stop();
  });

  test("I4: what was renewed has an epoch above every earlier one, at which the store takes writes; nothing else moved", async () => {
    const { ownership, begin, gained, raiseEpochs, storedEpochs, stop } = await started();
    begin();
    await gained();
    const shards = [7, 8, 9];
    const before = shards.map((shard) => ownership.epochOf(shard));
    await raiseEpochs([9]);
    const raised = (await storedEpochs()).get(9)!;
    expect(await ownership.renew([7, 9])).toEqual(new Set([7, 9]));
    const after = shards.map((shard) => ownership.epochOf(shard));
    expect(after[0]).toBeGreaterThan(before[0]!);
    expect(after[1]).toBe(before[1]!);
    expect(after[2]).toBeGreaterThan(raised);
    const stored = await storedEpochs();
    expect(shards.map((shard) => stored.get(shard)!)).toEqual(after);
    await stop();
  });

  test("I4: what is gained again has new epochs", async () => {
    const { ownership, begin, gained, takeAway, storedEpochs, heldShards, changes, stop } = await started();
    begin();
    await gained();
    const before = heldShards().map((shard) => [shard, ownership.epochOf(shard)] as const);
    await takeAway();
    await eventually("the loss is told", () => changes.length > 1);
    begin();
    await gained();
    const stored = await storedEpochs();
    for (const [shard, epoch] of before) {
      if (ownership.epochOf(shard) <= epoch) throw new Error(`shard ${shard} has no new epoch`);
      if (stored.get(shard) !== ownership.epochOf(shard)) throw new Error(`shard ${shard} cannot be written`);
    }
    await stop();
  });

  test("I12: nothing is held after a stop, and it is told", async () => {
    const { begin, gained, stop, heldShards, changes } = await started();
    begin();
    await gained();
    await stop();
    expect([heldShards(), changes.map(({ held }) => held)]).toEqual([[], [true, false]]);
  });
}
