import { describe } from "bun:test";
import { presenceContract } from "./contract.ts";
import { LocalPresence } from "./local.ts";

describe("presence in one process", () => presenceContract((options) => new LocalPresence(options)));
