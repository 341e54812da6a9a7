import type { StoreStage } from "../../store/contract/stage.ts";
import { modelPorts } from "./model-ports.ts";
import { ModelStore } from "./model-store.ts";

/** The ports over the model. */
export async function modelStage(): Promise<StoreStage> {
  const model = new ModelStore();
  const ports = modelPorts(model);
  return {
    ...ports,
    epochs: async () => {
      const known = model.epochs.slice();
      return (shard) => known[shard]!;
    },
    raiseEpochs: async (shards) => model.raiseEpochs(shards),
    changeBlock: async (change) => ports.blocks.change(change),
    beginGeneration: async () => model.beginGeneration(),
    queries: () => null,
    close: async () => {},
  };
}
