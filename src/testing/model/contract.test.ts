import { describe } from "bun:test";
import { storeContract } from "../../store/contract.ts";
import { modelStage } from "./model-stage.ts";

describe("the model", () => storeContract(modelStage));
