import { type Charge, Charges } from "../../core/limits/charge.ts";
import { costs } from "../../core/limits/costs.ts";
import type { SendMessage } from "../../core/messages/send.ts";
import type { AppendOutcome, Batch, CommitPort } from "../../core/ports/commit.ts";
import type { Limits } from "../../core/ports/limiter.ts";
import type { Frame } from "../../core/ports/pubsub.ts";
import type { Position } from "../../core/ports/sync-reads.ts";
import { isRejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/conversation/outcome.ts";
import { startEngine } from "../../engine/engine.ts";
import { LocalLimiter } from "../../limiter/local.ts";
import { newId } from "../../system.ts";
import { aSend, membersNamed, noteTaker } from "../builders/builders.ts";
import { Random } from "../builders/random.ts";
import { VirtualClock } from "../clock.ts";
import { noLimits, unlimitedRequests } from "../costs/limits-off.ts";
import { MisbehavingStore, ModelStore, noFaults } from "./commit-port.ts";

export interface EngineOnModelOptions {
  readonly limits?: Partial<Limits>;
  readonly maxTurnsPerActor?: number;
  readonly maxTurns?: number;
  readonly maxTurnBytes?: number;
  readonly maxActors?: number;
  readonly maxActorBytes?: number;
  /** Instead of hearing what is published. */
  readonly publish?: (frame: Frame) => void;
  /** What a batch comes to instead of being stored; null: it is stored. */
  readonly outcomeOf?: (batch: Batch) => AppendOutcome | null;
}

/** How long a command may take. */
export const deadlineMs = 8_000;

const unused = () => {
  throw new Error("not part of this test");
};

/** An engine over the model store, in virtual time, whose writes can be held up. */
export function anEngine(options: EngineOnModelOptions = {}) {
  const clock = new VirtualClock();
  const model = new ModelStore({ loadedKeys: 4 });
  const store = new MisbehavingStore({
    model,
    clock,
    random: new Random(1),
    faults: noFaults,
    rivalWrites: () => {},
  });
  const notes = noteTaker();
  const frames: Frame[] = [];
  const savedCursors: Position[] = [];
  const batches: Batch[] = [];
  const limiter = new LocalLimiter({ clock, limits: { ...noLimits, ...options.limits } });
  const charges = new Charges({ limiter, observer: notes.observer });
  let gate: Promise<void> = Promise.resolve();
  let open = () => {};
  const commit: CommitPort = {
    async append(batch, epochOf) {
      batches.push(batch);
      await gate;
      return options.outcomeOf?.(batch) ?? store.append(batch, epochOf);
    },
  };
  const engine = startEngine({
    ports: {
      commits: [commit],
      actorReads: store,
      syncReads: Object.assign(store, { changes: unused }),
      viewerReads: {
        listConversations: unused,
        showConversation: unused,
        listMembers: unused,
        showMessage: unused,
        showDeliveryStatus: unused,
        readHistory: unused,
      },
      creation: { createDirect: unused, createGroup: unused },
      cursors: {
        register: unused,
        save: async (positions) => void savedCursors.push(...positions),
      },
      lastSeen: { save: unused },
      own: { markUnread: unused, clearUnread: unused, allowReadding: unused },
      ownership: store.ownership,
      pubsub: { publish: options.publish ?? ((frame) => void frames.push(frame)), subscribe() {} },
      clock,
      observer: notes.observer,
    },
    settings: {
      lane: { maxRows: 500, maxBytes: 1 << 22 },
      supervisor: {
        maxActors: options.maxActors ?? 100,
        maxActorBytes: options.maxActorBytes ?? 1 << 28,
        maxTurnsPerActor: options.maxTurnsPerActor ?? 1_000,
      },
      registry: {
        commandDeadlineMs: deadlineMs,
        maxTurns: options.maxTurns ?? 1_000,
        maxTurnBytes: options.maxTurnBytes ?? 1 << 24,
      },
      requests: unlimitedRequests,
    },
  });
  /** Of a send over REST that came in. */
  const chargeOf = (userId = newId()): Charge => {
    const charge = charges.begin(costs.message, { userId, connectionKey: null });
    if (isRejection(charge)) throw new Error("refused at the door");
    return charge;
  };
  return {
    engine,
    chargeOf,
    limiter,
    clock,
    model,
    store,
    notes,
    frames,
    savedCursors,
    batches,
    /** Of two members, and as many others. */
    aConversation(others = 0) {
      const [id, anna, ben] = [newId(), newId(), newId()];
      model.create(id, membersNamed([anna, ben, ...Array.from({ length: others }, () => newId())]));
      return { id, anna, ben };
    },
    submit(given: Partial<SendMessage>, charge: Charge = chargeOf(given.senderId)) {
      const outcomes: Outcome[] = [];
      const command = aSend(given);
      engine.commands.submit(command, (outcome) => void outcomes.push(outcome), charge);
      return { command, outcomes };
    },
    /** No batch gets through until `release`. */
    hold() {
      ({ promise: gate, resolve: open } = Promise.withResolvers<void>());
    },
    release: () => open(),
    contents: (id: string) => model.logs.get(id)!.messages.map((message) => message.content),
  };
}
