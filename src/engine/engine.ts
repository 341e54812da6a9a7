import type { ActorReads } from "../core/ports/actor-reads.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { CommitPort } from "../core/ports/commit.ts";
import type { ConversationCreation } from "../core/ports/conversation-creation.ts";
import type { DeliveryReads } from "../core/ports/delivery-reads.ts";
import type { DeviceCursors } from "../core/ports/device-cursors.ts";
import type { LastSeen as LastSeenStore } from "../core/ports/last-seen.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { OwnState } from "../core/ports/own-state.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import { shardOf, someShard } from "../core/ports/ownership.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { SyncReads } from "../core/ports/sync-reads.ts";
import type { ViewerReads } from "../core/ports/viewer-reads.ts";
import { Lane } from "./conversation/group-commit.ts";
import type { LaneSettings } from "./conversation/lane-queue.ts";
import { Meetings } from "./conversation/meetings.ts";
import { Registry, type RegistrySettings } from "./conversation/registry.ts";
import { Supervisor, type SupervisorSettings } from "./conversation/supervisor.ts";
import { LastSeen } from "./last-seen.ts";
import { PrivateState } from "./private/private-state.ts";
import { Queries } from "./queries.ts";
import { FairTurns, type FairTurnsSettings } from "./reads/fair-turns.ts";
import { Marks } from "./receipts/marks.ts";
import { OwnedMarks } from "./receipts/owned-marks.ts";
import { Cursors } from "./sync/cursors.ts";
import { Delivery } from "./sync/delivery.ts";
import { Joins } from "./sync/joins.ts";
import { SharedDeliveryReads } from "./sync/shared-delivery-reads.ts";

export interface EngineSettings {
  readonly lane: LaneSettings;
  readonly supervisor: SupervisorSettings;
  readonly registry: RegistrySettings;
  /** The bounds of the reads of users over REST. */
  readonly requests: FairTurnsSettings;
}

export interface EnginePorts {
  /** One per lane. */
  readonly commits: readonly CommitPort[];
  readonly actorReads: ActorReads;
  readonly viewerReads: ViewerReads;
  readonly syncReads: SyncReads;
  /** Reads the changes whose frames were lost. */
  readonly deliveryReads: DeliveryReads;
  readonly creation: ConversationCreation;
  readonly cursors: DeviceCursors;
  readonly lastSeen: LastSeenStore;
  readonly own: OwnState;
  readonly ownership: Ownership;
  readonly pubsub: PubSub;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** The running domain: commands and queries of every door enter here, and pushes to sockets leave from here. */
export interface Engine {
  readonly commands: Registry;
  readonly queries: Queries;
  readonly joins: Joins;
  readonly marks: Marks;
  readonly cursors: Cursors;
  readonly lastSeen: LastSeen;
  readonly meetings: Meetings;
  readonly delivery: Delivery;
  /** Refuses new commands, and resolves when every one that was taken has its answer. */
  drain(): Promise<void>;
  stop(): void;
}

export function startEngine(options: {
  readonly ports: EnginePorts;
  readonly settings: EngineSettings;
}): Engine {
  const { ports, settings } = options;
  const conversations = startConversations(ports, settings);
  const sync = startSync(ports);
  const { lanes, supervisor, commands, marks, meetings, own } = conversations;
  const { cursors, lastSeen, joins, delivery } = sync;
  ports.ownership.onNewHistory(() => {
    cursors.forget();
    for (const lane of lanes) lane.marks.forgetAll();
  });
  return {
    commands,
    queries: queriesOf(ports, settings, own, lastSeen),
    joins,
    marks,
    cursors,
    lastSeen,
    meetings,
    delivery,
    async drain() {
      commands.drain();
      await commands.idle();
      await Promise.all([drainMarks(lanes, ports.ownership), cursors.save(), lastSeen.save()]);
    },
    stop() {
      for (const part of [supervisor, cursors, lastSeen, delivery]) part.stop();
    },
  };
}

/** Starts the part that decides and stores: the actors, their lanes and the marks. */
function startConversations(ports: EnginePorts, settings: EngineSettings) {
  const { actorReads: reads, pubsub, clock, observer } = ports;
  const own = new PrivateState({
    store: ports.own,
    pubsub,
    markedUnread: (userId, conversationId) => owned.markedUnread(userId, conversationId),
  });
  const lanes = lanesOf(ports, settings.lane, (conversations, atUs) => owned.marked(conversations, atUs));
  const laneOf: LaneOf = (conversationId) => lanes[shardOf(conversationId) % lanes.length]!;
  const queueOf = (conversationId: string) => laneOf(conversationId).marks;
  const owned = new OwnedMarks({ queueOf, own, pubsub, clock, observer });
  const supervisor = supervisorOf(ports, settings.supervisor, laneOf, owned);
  const meetings = new Meetings();
  const queuedChanges = () => lanes.reduce((rows, lane) => rows + lane.queued, 0);
  const commands = new Registry({
    supervisor,
    marks: owned,
    meetings,
    clock,
    observer,
    settings: settings.registry,
    queuedChanges,
  });
  const marks = new Marks({ commands, reads, clock, observer });
  observer.gauge("actors", () => supervisor.actors);
  observer.gauge("mailbox_turns", () => commands.underWay);
  observer.gauge("lane_queue_rows", queuedChanges);
  return { own, lanes, marks, supervisor, meetings, commands };
}

type LaneOf = (conversationId: string) => Lane;

function lanesOf(
  { commits, actorReads: reads, ownership, clock, observer }: EnginePorts,
  settings: LaneSettings,
  marked: OwnedMarks["marked"],
): readonly Lane[] {
  return commits.map((port) => new Lane({ port, reads, ownership, observer, clock, settings, marked }));
}

function supervisorOf(
  { actorReads: reads, ownership, clock, observer, pubsub }: EnginePorts,
  settings: SupervisorSettings,
  laneOf: LaneOf,
  owned: OwnedMarks,
): Supervisor {
  return new Supervisor({
    reads,
    ownership,
    clock,
    observer,
    pubsub,
    settings,
    commit: (entry) => laneOf(entry.actor.id).commit(entry),
    sent: (message) => owned.sent(message),
    left: (event) => owned.left(event),
  });
}

/** Starts the part that pushes to the sockets of this node, and remembers what they have received. */
function startSync(ports: EnginePorts) {
  const { actorReads, syncReads, deliveryReads, ownership, pubsub, clock, observer } = ports;
  const cursors = new Cursors({ store: ports.cursors, clock, observer });
  const lastSeen = new LastSeen({ store: ports.lastSeen, clock, observer });
  const joins = new Joins({
    reads: syncReads,
    messages: actorReads,
    cursors: ports.cursors,
    settled: (device) => cursors.settled(device),
    clock,
  });
  const reads = new SharedDeliveryReads({ reads: deliveryReads, actorReads, clock });
  const delivery = new Delivery({ pubsub, reads, clock, observer });
  ownership.onChange((_, held) => {
    if (!held) delivery.forgetUnheard();
  });
  return { cursors, lastSeen, joins, delivery };
}

/** Makes the reads of viewers, and the writes without an actor. */
function queriesOf(
  { viewerReads: reads, syncReads, creation, pubsub, clock }: EnginePorts,
  settings: EngineSettings,
  own: PrivateState,
  lastSeen: LastSeen,
): Queries {
  const turns = new FairTurns({ settings: settings.requests, clock });
  return new Queries({ turns, reads, syncReads, lastSeen, creation, own, pubsub, clock });
}

/** Marks of shards that this node does not hold cannot be stored: the next ones of their members bring them. */
async function drainMarks(lanes: readonly Lane[], ownership: Ownership): Promise<void> {
  if (!someShard((shard) => ownership.isHeld(shard))) return;
  for (const { marks } of lanes) marks.lose((conversationId) => !ownership.isHeld(shardOf(conversationId)));
  await Promise.all(lanes.map((lane) => lane.marks.drain()));
}
