import { describe } from "bun:test";
import { pubSubContract } from "./contract.ts";
import { LocalPubSub } from "./local.ts";

describe("the bus of one process", () =>
  pubSubContract(async () => {
    const errors: unknown[] = [];
    return {
      node: () => new LocalPubSub({ onError: (error) => errors.push(error) }),
      errors,
      arrived: async () => {},
      stop: async () => {},
    };
  }));
