import type { ActorReads } from "../core/ports/actor-reads.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { CommitPort } from "../core/ports/commit.ts";
import type { ConversationCreation } from "../core/ports/conversation-creation.ts";
import type { DeviceCursors } from "../core/ports/device-cursors.ts";
import type { LastSeen as LastSeenStore } from "../core/ports/last-seen.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { OwnState } from "../core/ports/own-state.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import { shardOf, someShard } from "../core/ports/ownership.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { SyncReads } from "../core/ports/sync-reads.ts";
import type { ViewerReads } from "../core/ports/viewer-reads.ts";
import { Lane, type LaneSettings } from "./conversation/group-commit.ts";
import { Meetings } from "./conversation/meetings.ts";
import { Registry, type RegistrySettings } from "./conversation/registry.ts";
import { Supervisor, type SupervisorSettings } from "./conversation/supervisor.ts";
import { LastSeen } from "./last-seen.ts";
import { PrivateState } from "./private/private-state.ts";
import { Queries } from "./queries.ts";
import { FairTurns, type FairTurnsSettings } from "./reads/fair-turns.ts";
import { Marks } from "./receipts/marks.ts";
import { Cursors } from "./sync/cursors.ts";
import { Joins } from "./sync/joins.ts";

export interface EngineSettings {
  readonly lane: LaneSettings;
  readonly supervisor: SupervisorSettings;
  readonly registry: RegistrySettings;
  /** Of what users ask over REST. */
  readonly requests: FairTurnsSettings;
}

export interface EnginePorts {
  /** One per lane. */
  readonly commits: readonly CommitPort[];
  readonly actorReads: ActorReads;
  readonly viewerReads: ViewerReads;
  readonly syncReads: SyncReads;
  readonly creation: ConversationCreation;
  readonly cursors: DeviceCursors;
  readonly lastSeen: LastSeenStore;
  readonly own: OwnState;
  readonly ownership: Ownership;
  readonly pubsub: PubSub;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** What makes the domain live: where commands and queries of every door enter. */
export interface Engine {
  readonly commands: Registry;
  readonly queries: Queries;
  readonly joins: Joins;
  readonly marks: Marks;
  readonly cursors: Cursors;
  readonly lastSeen: LastSeen;
  readonly meetings: Meetings;
  /** Refuses new commands, and resolves when every one that was taken has its answer. */
  drain(): Promise<void>;
  stop(): void;
}

export function startEngine(options: {
  readonly ports: EnginePorts;
  readonly settings: EngineSettings;
}): Engine {
  const { ports, settings } = options;
  const { actorReads, viewerReads, syncReads, creation, ownership, pubsub, clock, observer } = ports;
  const own = new PrivateState({ store: ports.own, pubsub });
  const lanes: readonly Lane[] = ports.commits.map(
    (port) =>
      new Lane({
        port,
        reads: actorReads,
        ownership,
        observer,
        clock,
        settings: settings.lane,
        marked: (conversations, atUs) => marks.marked(conversations, atUs),
      }),
  );
  const laneOf = (conversationId: string) => lanes[shardOf(conversationId) % lanes.length]!;
  const marks = new Marks({
    queueOf: (conversationId) => laneOf(conversationId).marks,
    reads: actorReads,
    own,
    pubsub,
    clock,
    observer,
  });
  const supervisor = new Supervisor({
    reads: actorReads,
    ownership,
    clock,
    observer,
    pubsub,
    settings: settings.supervisor,
    commit: (entry) => laneOf(entry.actor.id).commit(entry),
    sent: (message) => marks.sent(message),
    left: (event) => marks.left(event),
  });
  const cursors = new Cursors({ store: ports.cursors, clock, observer });
  const lastSeen = new LastSeen({ store: ports.lastSeen, clock, observer });
  const queuedChanges = () => lanes.reduce((rows, lane) => rows + lane.queued, 0);
  const meetings = new Meetings();
  const commands = new Registry({
    meetings,
    supervisor,
    clock,
    observer,
    settings: settings.registry,
    queuedChanges,
  });
  ownership.onNewHistory(() => {
    cursors.forget();
    for (const lane of lanes) lane.marks.forgetAll();
  });
  observer.gauge("actors", () => supervisor.actors);
  observer.gauge("mailbox_turns", () => commands.underWay);
  observer.gauge("lane_queue_rows", queuedChanges);
  const turns = new FairTurns({ settings: settings.requests, clock });
  return {
    commands,
    queries: new Queries({ turns, reads: viewerReads, syncReads, lastSeen, creation, own, pubsub, clock }),
    joins: new Joins({
      reads: syncReads,
      messages: actorReads,
      cursors: ports.cursors,
      settled: (device) => cursors.settled(device),
      clock,
    }),
    marks,
    cursors,
    lastSeen,
    meetings,
    async drain() {
      commands.drain();
      await commands.idle();
      await Promise.all([drainMarks(lanes, ownership), cursors.save(), lastSeen.save()]);
    },
    stop() {
      supervisor.stop();
      cursors.stop();
      lastSeen.stop();
    },
  };
}

/** Marks of shards that this node does not hold cannot be stored: the next ones of their members bring them. */
async function drainMarks(lanes: readonly Lane[], ownership: Ownership): Promise<void> {
  if (!someShard((shard) => ownership.isHeld(shard))) return;
  for (const { marks } of lanes) marks.lose((conversationId) => !ownership.isHeld(shardOf(conversationId)));
  await Promise.all(lanes.map((lane) => lane.marks.drain()));
}
