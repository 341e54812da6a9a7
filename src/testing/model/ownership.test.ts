import { describe, expect, test } from "bun:test";
import { shardCount } from "../../core/ports/ownership.ts";
import { ownershipContract } from "../../store/ownership/contract.ts";
import { ModelOwnership, otherNode } from "./ownership.ts";

function aStage() {
  const epochs = new Float64Array(shardCount);
  const raiseEpochs = (shards: Iterable<number>) => {
    for (const shard of shards) epochs[shard]!++;
  };
  const ownership = new ModelOwnership({ store: { epochs, raiseEpochs } });
  return { ownership, epochs, raiseEpochs };
}

describe("the model of ownership", () =>
  ownershipContract(async () => {
    const { ownership, epochs, raiseEpochs } = aStage();
    ownership.lose();
    return {
      ownership,
      begin: () => ownership.gain(),
      takeAway: async () => ownership.lose(),
      raiseEpochs: async (shards) => raiseEpochs(shards),
      storedEpochs: async () => new Map([...epochs].map((epoch, shard) => [shard, epoch])),
      stop: async () => ownership.lose(),
    };
  }));

test("a shard that another node took is not renewed, and is lost by then", async () => {
  const { ownership } = aStage();
  const lost: (readonly number[])[] = [];
  ownership.onChange((shards, held) => void (held || lost.push([...shards])));
  ownership.steal([7]);
  expect(ownership.isHeld(7)).toBe(true);
  expect(await ownership.renew([7, 8])).toEqual(new Set([8]));
  expect([ownership.ownerOf(7), ownership.isHeld(8), lost]).toEqual([otherNode, true, [[7]]]);
});
