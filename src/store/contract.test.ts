import { describe } from "bun:test";
import { postgresStage } from "../testing/processes/postgres-stage.ts";
import { storeContract } from "./contract.ts";

describe("PostgreSQL", () => storeContract(postgresStage));
