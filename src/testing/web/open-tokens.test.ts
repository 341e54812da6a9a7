import { describe } from "bun:test";
import { tokensContract } from "../../auth/contract.ts";
import { OpenTokens, tokenOf } from "./open-tokens.ts";

describe("tokens that name their identity openly", () =>
  tokensContract(() => ({ tokens: new OpenTokens(), issue: async (claims) => tokenOf(claims) })));
