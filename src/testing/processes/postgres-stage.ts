import { PostgresBlocks } from "../../store/blocks.ts";
import { changeBlock } from "../../store/change-block.ts";
import { openPool } from "../../store/connections/database.ts";
import type { StoreStage } from "../../store/contract/stage.ts";
import { PostgresConversationCreation } from "../../store/conversation-creation.ts";
import { PostgresLastSeen } from "../../store/last-seen.ts";
import { newGeneration } from "../../store/ownership/generation.ts";
import { PostgresDeviceCursors } from "../../store/private/device-cursors.ts";
import { PostgresOwnState } from "../../store/private/own-state.ts";
import { PostgresActorReads } from "../../store/reads/actor-reads.ts";
import { PostgresDeliveryReads } from "../../store/reads/delivery-reads.ts";
import { PostgresSyncReads } from "../../store/reads/sync-reads.ts";
import { PostgresViewerReads } from "../../store/reads/viewer-reads.ts";
import { systemClock } from "../../system.ts";
import { noteTaker } from "../builders/builders.ts";
import { startUs } from "../builders/changes.ts";
import { CountingPool } from "./counting-pool.ts";
import { startWriter } from "./writer-on-postgres.ts";

/** The ports over a PostgreSQL database of their own. */
export async function postgresStage(): Promise<StoreStage> {
  const { database, commit, epochs, close } = await startWriter();
  const { url, settings } = database;
  const pool = openPool(settings, () => {});
  const reads = new CountingPool({ pool });
  const actorReads = new PostgresActorReads({ reads });
  const blocks = new PostgresBlocks({ settings, clock: systemClock, observer: noteTaker().observer });
  return {
    commit,
    actorReads,
    viewerReads: new PostgresViewerReads({ reads }),
    syncReads: new PostgresSyncReads({ reads }),
    deliveryReads: new PostgresDeliveryReads({ reads, actorReads }),
    cursors: new PostgresDeviceCursors({ reads }),
    lastSeen: new PostgresLastSeen({ reads }),
    own: new PostgresOwnState({ reads }),
    creation: new PostgresConversationCreation({ reads }),
    blocks,
    epochs,
    async raiseEpochs(shards) {
      const text = "update conversation_ownership set epoch = epoch + 1 where shard = any ($1::int2[])";
      await database.sql(text, [shards]);
    },
    changeBlock: async (change) => void (await changeBlock(url, change, 1_000)),
    beginGeneration: async () => void (await newGeneration(url, startUs)),
    queries: () => reads.queries,
    async close() {
      await blocks.stop();
      await pool.end();
      await close();
    },
  };
}
