import { afterAll, beforeAll, describe } from "bun:test";
import { actorReadsContract } from "./contract/actor-reads.ts";
import { blocksContract } from "./contract/blocks.ts";
import { changesContract } from "./contract/changes.ts";
import { commitContract } from "./contract/commit.ts";
import { creationContract } from "./contract/creation.ts";
import { generationContract } from "./contract/generation.ts";
import { historyContract } from "./contract/history.ts";
import { joinsContract } from "./contract/joins.ts";
import { marksContract } from "./contract/marks.ts";
import { membersContract } from "./contract/members.ts";
import { privateContract } from "./contract/private.ts";
import { relationsContract } from "./contract/relations.ts";
import type { OpenStore, StoreStage } from "./contract/stage.ts";
import { storedChangesContract } from "./contract/stored-changes.ts";
import { summariesContract } from "./contract/summaries.ts";

/** What every store holds to, through its ports alone. */
export function storeContract(open: OpenStore): void {
  let stage: StoreStage;
  beforeAll(async () => {
    stage = await open();
  }, 120_000);
  afterAll(() => stage.close());
  const on = () => stage;
  describe("appends changes", () => commitContract(on));
  describe("moves marks", () => marksContract(on));
  describe("stores what members do to messages", () => relationsContract(on));
  describe("stores members and what a conversation is", () => membersContract(on));
  describe("reads for actors", () => actorReadsContract(on));
  describe("says what is stored", () => storedChangesContract(on));
  describe("reads history", () => historyContract(on));
  describe("lists and shows conversations", () => summariesContract(on));
  describe("reads differences", () => changesContract(on));
  describe("reads what joins need", () => joinsContract(on));
  describe("keeps private state", () => privateContract(on));
  describe("creates conversations", () => creationContract(on));
  describe("keeps blocks", () => blocksContract(on));
  describe("begins another history", () => generationContract(open));
}
