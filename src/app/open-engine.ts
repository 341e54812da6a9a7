import type { PubSub } from "../core/ports/pubsub.ts";
import { BlockEnforcer } from "../engine/conversation/block-enforcer.ts";
import { actorMemory } from "../engine/conversation/known-facts.ts";
import { type Engine, type EnginePorts, startEngine } from "../engine/engine.ts";
import { LocalPubSub } from "../pubsub/local.ts";
import { PostgresCommit } from "../store/append/append.ts";
import { PostgresBlocks } from "../store/blocks.ts";
import { type DatabaseSettings, openPool, ReadPool } from "../store/connections/database.ts";
import { type StoreHealth, WatchedCommit } from "../store/connections/health.ts";
import { PostgresConversationCreation } from "../store/conversation-creation.ts";
import { PostgresLastSeen } from "../store/last-seen.ts";
import { AdvisoryOwnership } from "../store/ownership/advisory-ownership.ts";
import { PostgresDeviceCursors } from "../store/private/device-cursors.ts";
import { PostgresOwnState } from "../store/private/own-state.ts";
import { PostgresActorReads } from "../store/reads/actor-reads.ts";
import { PostgresDeliveryReads } from "../store/reads/delivery-reads.ts";
import { PostgresSyncReads } from "../store/reads/sync-reads.ts";
import { PostgresViewerReads } from "../store/reads/viewer-reads.ts";
import { systemClock as clock, newId } from "../system.ts";
import type { Startup } from "./startup.ts";

export interface OpenEngine {
  readonly engine: Engine;
  readonly ownership: AdvisoryOwnership;
  readonly pubsub: PubSub;
}

/** Opens the engine over PostgreSQL. It begins to ask for the right to write. */
export function openEngine(startup: Startup, settings: DatabaseSettings, health: StoreHealth): OpenEngine {
  const { config, observer, opened, stopping } = startup;
  const reads = openReads(startup, settings, health);
  const commits = openLanes(startup, settings, health);
  const ownership = openOwnership(startup, settings, health);
  const blocks = new PostgresBlocks({ settings, clock, observer });
  opened.defer(() => stopping.within("closing the connection that hears of blocks", blocks.stop()));
  const pubsub = new LocalPubSub({ onError: (error) => observer.bug("pubsub", error) });
  const { lanes: lane, actors, commands: registry, requests } = config;
  const supervisor = { ...actors, memory: actorMemory };
  const engine = startEngine({
    ports: { ...portsOverPostgres(reads), commits, ownership, pubsub, clock, observer },
    settings: { lane, supervisor, registry, requests },
  });
  opened.defer(() => engine.stop());
  opened.defer(() => stopping.within("settling commands", engine.drain()));
  startEnforcer(startup, { engine, ownership, pubsub }, blocks);
  ownership.start();
  return { engine, ownership, pubsub };
}

/** Sees to it that conversations follow what users block. */
function startEnforcer(
  { observer, opened }: Startup,
  { engine: { commands, meetings }, ownership, pubsub }: OpenEngine,
  blocks: PostgresBlocks,
): void {
  const enforcer = new BlockEnforcer({
    blocks,
    commands,
    meetings,
    pubsub,
    ownership,
    clock,
    observer,
    newId,
  });
  enforcer.start();
  opened.defer(() => enforcer.stop());
}

function openReads({ opened, stopping }: Startup, settings: DatabaseSettings, health: StoreHealth): ReadPool {
  const pool = openPool(settings, (error) => health.connectionLost(error));
  opened.defer(() => stopping.within("closing the database", pool.end()));
  return new ReadPool({ pool: health.watching(pool) });
}

function openLanes(
  { config, opened, stopping }: Startup,
  settings: DatabaseSettings,
  health: StoreHealth,
): readonly WatchedCommit[] {
  const onLost = (error: Error) => health.connectionLost(error);
  return Array.from({ length: config.lanes.count }, () => {
    const port = new PostgresCommit({ settings, onLost });
    opened.defer(() => stopping.within("closing the lane", port.close()));
    return new WatchedCommit({ port, health });
  });
}

function openOwnership(
  { version: binary, observer, opened, stopping }: Startup,
  settings: DatabaseSettings,
  health: StoreHealth,
): AdvisoryOwnership {
  const ownership = new AdvisoryOwnership({ settings, nodeId: newId(), binary, clock, observer, health });
  opened.defer(() => stopping.within("giving up the right to write", ownership.stop()));
  return ownership;
}

function portsOverPostgres(
  reads: ReadPool,
): Omit<EnginePorts, "commits" | "ownership" | "pubsub" | "clock" | "observer"> {
  const actorReads = new PostgresActorReads({ reads });
  return {
    actorReads,
    viewerReads: new PostgresViewerReads({ reads }),
    syncReads: new PostgresSyncReads({ reads }),
    deliveryReads: new PostgresDeliveryReads({ reads, actorReads }),
    creation: new PostgresConversationCreation({ reads }),
    cursors: new PostgresDeviceCursors({ reads }),
    lastSeen: new PostgresLastSeen({ reads }),
    own: new PostgresOwnState({ reads }),
  };
}
