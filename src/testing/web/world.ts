import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { BlockEnforcer } from "../../engine/conversation/block-enforcer.ts";
import { actorMemory } from "../../engine/conversation/known-facts.ts";
import { type EngineSettings, startEngine } from "../../engine/engine.ts";
import { Delivery } from "../../engine/sync/delivery.ts";
import { LocalPubSub } from "../../pubsub/local.ts";
import { newId } from "../../system.ts";
import { unlimitedRequests } from "../costs/limits-off.ts";
import { ModelBus } from "../model/bus.ts";
import { HeldCommit } from "../model/held-commit.ts";
import { modelPorts } from "../model/model-ports.ts";
import { ModelStore } from "../model/model-store.ts";
import { ModelOwnership } from "../model/ownership.ts";
import { HeldBus } from "./held-bus.ts";

export interface WorldOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  /** The most commands under way. */
  readonly maxTurns?: number;
  /** The node of the sockets owns all conversations. Else another one does. */
  readonly isOwner?: boolean;
}

/** Everything behind the endpoint: the real engine, on this node or on another one, with the model as its store. */
export function aWorld(options: WorldOptions) {
  const { clock, observer } = options;
  const model = new ModelStore();
  const { commit, blocks, ...ports } = modelPorts(model);
  const ownership = new ModelOwnership({ store: model });
  const { bus, pubsub } = aBus(options);
  const commits = new HeldCommit(commit);
  const engine = startEngine({
    ports: { ...ports, commits: [commits], ownership, pubsub: bus, clock, observer },
    settings: settingsOf(options),
  });
  const { deliveryReads: reads } = ports;
  const delivery = options.isOwner ? engine.delivery : new Delivery({ pubsub, reads, clock, observer });
  const { commands, meetings } = engine;
  const enforcer = new BlockEnforcer({
    blocks,
    commands,
    meetings,
    pubsub: bus,
    ownership,
    clock,
    observer,
    newId,
  });
  enforcer.start();
  const stop = () => {
    for (const part of [enforcer, engine, delivery]) part.stop();
  };
  return { model, ports: { ...ports, blocks }, ownership, bus, pubsub, commits, engine, delivery, stop };
}

/** Returns the bus as the owner has it, whose frames can be held up, and as the node of the sockets has it. */
function aBus({ isOwner = false, observer }: WorldOptions) {
  const onError = (error: unknown) => observer.bug("bus", error);
  if (isOwner) {
    const bus = new HeldBus(new LocalPubSub({ onError }));
    return { bus, pubsub: bus };
  }
  const between = new ModelBus({ onError });
  return { bus: new HeldBus(between.node()), pubsub: between.node() };
}

function settingsOf({ maxTurns = 1_000 }: WorldOptions): EngineSettings {
  return {
    lane: { maxRows: 500, maxBytes: 1 << 22 },
    supervisor: { maxActors: 1_000, maxActorBytes: 1 << 28, maxTurnsPerActor: 1_000, memory: actorMemory },
    registry: { commandDeadlineMs, maxTurns, maxTurnBytes: 1 << 24 },
    requests: unlimitedRequests,
  };
}

/** How long a command may take. */
export const commandDeadlineMs = 8_000;
