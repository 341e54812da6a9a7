import type { SendMessage } from "../../core/messages/send.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Frame } from "../../core/ports/pubsub.ts";
import { actorMemory } from "../../engine/conversation/known-facts.ts";
import { type Engine, type EngineSettings, startEngine } from "../../engine/engine.ts";
import { PostgresCommit } from "../../store/append/append.ts";
import { type DatabaseSettings, openPool, ReadPool } from "../../store/connections/database.ts";
import { PostgresConversationCreation } from "../../store/conversation-creation.ts";
import { PostgresLastSeen } from "../../store/last-seen.ts";
import { AdvisoryOwnership } from "../../store/ownership/advisory-ownership.ts";
import { PostgresDeviceCursors } from "../../store/private/device-cursors.ts";
import { PostgresOwnState } from "../../store/private/own-state.ts";
import { PostgresActorReads } from "../../store/reads/actor-reads.ts";
import { PostgresDeliveryReads } from "../../store/reads/delivery-reads.ts";
import { PostgresSyncReads } from "../../store/reads/sync-reads.ts";
import { PostgresViewerReads } from "../../store/reads/viewer-reads.ts";
import { newId, systemClock } from "../../system.ts";
import { aSend, noteTaker, type ObserverNotes } from "../builders/builders.ts";
import { someHealth } from "../builders/store-health.ts";
import { freeCharge, unlimitedRequests } from "../costs/limits-off.ts";
import { eventually } from "../eventually.ts";
import { unheard } from "./bus.ts";

export { type MigratedDatabase, migratedDatabase } from "../processes/migrated-database.ts";

export interface Talk {
  readonly id: string;
  readonly anna: string;
  readonly ben: string;
}

/** An engine over PostgreSQL, as a process has one. */
export interface Node {
  readonly engine: Engine;
  readonly ownership: AdvisoryOwnership;
  readonly notes: ObserverNotes;
  readonly frames: readonly Frame[];
  readonly owns: () => Promise<void>;
  readonly aTalk: () => Promise<Talk>;
  readonly send: (given: Partial<SendMessage>) => Promise<Outcome>;
  readonly stop: () => Promise<void>;
}

const defaults: EngineSettings = {
  lane: { maxRows: 500, maxBytes: 1 << 22 },
  supervisor: { maxActors: 1_000, maxActorBytes: 1 << 28, maxTurnsPerActor: 10_000, memory: actorMemory },
  registry: { commandDeadlineMs: 8_000, maxTurns: 50_000, maxTurnBytes: 1 << 26 },
  requests: unlimitedRequests,
};

export function startNode(settings: DatabaseSettings, engineSettings: Partial<EngineSettings> = {}): Node {
  const notes = noteTaker();
  const { observer } = notes;
  const frames: Frame[] = [];
  const pool = openPool(settings, () => {});
  const reads = new ReadPool({ pool });
  const commit = new PostgresCommit({ settings, onLost: () => {} });
  const ownership = new AdvisoryOwnership({
    settings,
    nodeId: newId(),
    binary: "0.0.0",
    clock: systemClock,
    observer,
    health: someHealth(),
  });
  const engine = startEngine({
    ports: {
      commits: [commit],
      actorReads: new PostgresActorReads({ reads }),
      viewerReads: new PostgresViewerReads({ reads }),
      syncReads: new PostgresSyncReads({ reads }),
      creation: new PostgresConversationCreation({ reads }),
      cursors: new PostgresDeviceCursors({ reads }),
      lastSeen: new PostgresLastSeen({ reads }),
      own: new PostgresOwnState({ reads }),
      ownership,
      pubsub: { publish: (frame) => void frames.push(frame), ...unheard },
      deliveryReads: new PostgresDeliveryReads({ reads, actorReads: new PostgresActorReads({ reads }) }),
      clock: systemClock,
      observer,
    },
    settings: { ...defaults, ...engineSettings },
  });
  ownership.start();
  return {
    engine,
    ownership,
    notes,
    frames,
    owns: () => eventually("this node owns the database", () => ownership.isOwner),
    aTalk: () => aTalk(engine),
    send: (given) => new Promise((resolve) => engine.commands.submit(aSend(given), resolve, null)),
    async stop() {
      await engine.drain();
      engine.stop();
      await Promise.all([commit.close(), ownership.stop(), pool.end()]);
    },
  };
}

async function aTalk(engine: Engine): Promise<Talk> {
  const [id, anna, ben] = [newId(), newId(), newId()];
  const made = await engine.queries.createDirect(
    {
      type: "create_direct",
      id,
      creatorId: anna,
      otherUserId: ben,
      atUs: systemClock.nowUs(),
    },
    freeCharge(),
  );
  if (!("created" in made)) throw new Error("the conversation was not created");
  return { id, anna, ben };
}

/** What must hold of every log at every moment; the conversations for which it does not. I2 in SQL. */
export const brokenLogs = `
select h.conversation_id, h.seq, count(m.seq)::int as messages, max(m.seq) as last
from conversation_heads h left join messages m using (conversation_id)
group by h.conversation_id, h.seq
having count(m.seq) <> h.seq or coalesce(max(m.seq), 0) <> h.seq or coalesce(min(m.seq), 1) <> 1 or count(distinct m.id) <> h.seq`;
