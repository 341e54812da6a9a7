import { describe } from "bun:test";
import { busContract, pubSubContract } from "../../pubsub/contract.ts";
import { settled } from "../clock.ts";
import { ModelBus } from "./bus.ts";

describe("the model of a bus", () => {
  const make = async () => {
    const errors: unknown[] = [];
    const bus = new ModelBus({ onError: (error) => errors.push(error) });
    return { node: () => bus.node(), errors, arrived: settled, stop: async () => {} };
  };
  pubSubContract(make);
  busContract(make);
});
