import { type Charge, Charges } from "../../core/limits/charge.ts";
import { costs } from "../../core/limits/costs.ts";
import type { SendMessage } from "../../core/messages/send.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { AppendOutcome, Batch } from "../../core/ports/commit.ts";
import type { Limits } from "../../core/ports/limiter.ts";
import type { Frame } from "../../core/ports/pubsub.ts";
import { isRejection } from "../../core/rejection.ts";
import { actorMemory, type MemorySettings } from "../../engine/conversation/known-facts.ts";
import { type Engine, startEngine } from "../../engine/engine.ts";
import { LocalLimiter } from "../../limiter/local.ts";
import { newId } from "../../system.ts";
import { aSend, membersNamed, noteTaker } from "../builders/builders.ts";
import { Random } from "../builders/random.ts";
import { VirtualClock } from "../clock.ts";
import { noLimits, unlimitedRequests } from "../costs/limits-off.ts";
import { unheard } from "./bus.ts";
import { HeldCommit } from "./held-commit.ts";
import { MisbehavingCommit } from "./misbehaving-commit.ts";
import { modelPorts } from "./model-ports.ts";
import { ModelStore } from "./model-store.ts";
import { ModelOwnership } from "./ownership.ts";
import { overWire, StoreWire } from "./wire.ts";

export interface EngineOnModelOptions {
  readonly limits?: Partial<Limits>;
  readonly maxTurnsPerActor?: number;
  readonly maxTurns?: number;
  readonly maxTurnBytes?: number;
  readonly maxActors?: number;
  readonly maxActorBytes?: number;
  readonly memory?: Partial<MemorySettings>;
  /** Instead of collecting what is published. */
  readonly publish?: (frame: Frame) => void;
  /** The outcome of a batch instead of storing it; null: it is stored. */
  readonly outcomeOf?: (batch: Batch) => AppendOutcome | null;
}

/** How long a command may take. */
export const deadlineMs = 8_000;

/** An engine over the model, in virtual time, whose batches can be held up. */
export function anEngine(options: EngineOnModelOptions = {}) {
  const clock = new VirtualClock();
  const model = new ModelStore({ loadedKeys: 4 });
  const wire = new StoreWire({ clock, random: new Random(1) });
  const ports = portsOverWire(model, wire);
  const commit = new HeldCommit(new MisbehavingCommit({ model, wire }), options.outcomeOf);
  const notes = noteTaker();
  const frames: Frame[] = [];
  const limiter = new LocalLimiter({ clock, limits: { ...noLimits, ...options.limits } });
  const charges = new Charges({ limiter, observer: notes.observer });
  const publish = options.publish ?? ((frame: Frame) => void frames.push(frame));
  const engine = startEngine({
    ports: {
      ...ports,
      commits: [commit],
      pubsub: { publish, ...unheard },
      clock,
      observer: notes.observer,
    },
    settings: settingsOf(options),
  });
  /** Of a send over REST that came in. */
  const chargeOf = (userId = newId()): Charge => {
    const charge = charges.begin(costs.message, { userId, connectionKey: null });
    if (isRejection(charge)) throw new Error("refused at the door");
    return charge;
  };
  return {
    ...ports,
    engine,
    chargeOf,
    limiter,
    clock,
    model,
    notes,
    frames,
    batches: commit.batches,
    /** Of two members, and as many others. */
    aConversation: (others = 0) => aConversation(model, others),
    submit: (given: Partial<SendMessage>, charge: Charge = chargeOf(given.senderId)) =>
      submitTo(engine, given, charge),
    /** No batch gets through until `release`. */
    hold: () => commit.hold(),
    release: () => commit.release(),
    contents: (id: string) => model.logs.get(id)!.messages.map((message) => message.content),
  };
}

/** The ports of an engine over the model, but for the one that appends. */
export function portsOverWire(model: ModelStore, wire: StoreWire) {
  const { commit: _, blocks: __, ...ports } = modelPorts(model);
  return {
    actorReads: overWire(ports.actorReads, wire),
    viewerReads: overWire(ports.viewerReads, wire),
    syncReads: overWire(ports.syncReads, wire),
    deliveryReads: overWire(ports.deliveryReads, wire),
    cursors: overWire(ports.cursors, wire),
    lastSeen: overWire(ports.lastSeen, wire),
    own: overWire(ports.own, wire),
    creation: overWire(ports.creation, wire),
    ownership: new ModelOwnership({ store: model, ask: (read) => wire.call(read) }),
  };
}

function settingsOf(options: EngineOnModelOptions) {
  return {
    lane: { maxRows: 500, maxBytes: 1 << 22 },
    supervisor: {
      maxActors: options.maxActors ?? 100,
      maxActorBytes: options.maxActorBytes ?? 1 << 28,
      maxTurnsPerActor: options.maxTurnsPerActor ?? 1_000,
      // Few keys, so that memories forget and the index has to know.
      memory: { ...actorMemory, maxKeys: 16, ...options.memory },
    },
    registry: {
      commandDeadlineMs: deadlineMs,
      maxTurns: options.maxTurns ?? 1_000,
      maxTurnBytes: options.maxTurnBytes ?? 1 << 24,
    },
    requests: unlimitedRequests,
  };
}

function aConversation(model: ModelStore, others: number) {
  const [id, anna, ben] = [newId(), newId(), newId()];
  model.create(id, membersNamed([anna, ben, ...Array.from({ length: others }, () => newId())]));
  return { id, anna, ben };
}

function submitTo(engine: Engine, given: Partial<SendMessage>, charge: Charge) {
  const outcomes: Outcome[] = [];
  const command = aSend(given);
  engine.commands.submit(command, (outcome) => void outcomes.push(outcome), charge);
  return { command, outcomes };
}
