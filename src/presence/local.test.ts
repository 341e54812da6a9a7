import { describe } from "bun:test";
import { LocalPresence } from "./local.ts";
import { presenceContract } from "./testing/contract.ts";

describe("presence in one process", () => presenceContract((options) => new LocalPresence(options)));
