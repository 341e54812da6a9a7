import type { Clock } from "../core/ports/clock.ts";
import type { Limiter } from "../core/ports/limiter.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import { shardOf } from "../core/ports/ownership.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { ActorReads, CommitPort, ConversationCreation, ViewerReads } from "../core/ports/store.ts";
import { Lane, type LaneSettings } from "./group-commit.ts";
import { Joins } from "./joins.ts";
import { Queries } from "./queries.ts";
import { Registry, type RegistrySettings } from "./registry.ts";
import { Supervisor, type SupervisorSettings } from "./supervisor.ts";

export interface EngineSettings {
  readonly lane: LaneSettings;
  readonly supervisor: SupervisorSettings;
  readonly registry: RegistrySettings;
}

export interface EnginePorts {
  /** One per lane. */
  readonly commits: readonly CommitPort[];
  readonly actorReads: ActorReads;
  readonly viewerReads: ViewerReads;
  readonly creation: ConversationCreation;
  readonly ownership: Ownership;
  readonly pubsub: PubSub;
  readonly limiter: Limiter;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** What makes the domain live: where commands and queries of every door enter. */
export interface Engine {
  readonly commands: Registry;
  readonly queries: Queries;
  readonly joins: Joins;
  /** Refuses new commands, and resolves when every one that was taken has its answer. */
  drain(): Promise<void>;
  stop(): void;
}

export function startEngine(options: {
  readonly ports: EnginePorts;
  readonly settings: EngineSettings;
}): Engine {
  const { ports, settings } = options;
  const { actorReads, viewerReads, creation, ownership, pubsub, limiter, clock, observer } = ports;
  const lanes = ports.commits.map(
    (port) => new Lane({ port, reads: actorReads, ownership, observer, clock, settings: settings.lane }),
  );
  const supervisor = new Supervisor({
    reads: actorReads,
    ownership,
    clock,
    observer,
    pubsub,
    settings: settings.supervisor,
    commit: (entry) => lanes[shardOf(entry.actor.id) % lanes.length]!.commit(entry),
  });
  const queuedChanges = () => lanes.reduce((rows, lane) => rows + lane.queued, 0);
  const commands = new Registry({
    supervisor,
    clock,
    limiter,
    observer,
    settings: settings.registry,
    queuedChanges,
  });
  observer.gauge("actors", () => supervisor.actors);
  observer.gauge("mailbox_turns", () => commands.underWay);
  observer.gauge("lane_queue_rows", queuedChanges);
  return {
    commands,
    queries: new Queries({ reads: viewerReads, creation }),
    joins: new Joins({ reads: viewerReads }),
    async drain() {
      commands.drain();
      await commands.idle();
    },
    stop: () => supervisor.stop(),
  };
}
