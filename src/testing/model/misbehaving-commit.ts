import type { AppendOutcome, Batch, CommitPort } from "../../core/ports/commit.ts";
import { appendTo, conversationsOf, epochsOf } from "./commit.ts";
import type { ModelStore } from "./model-store.ts";
import type { StoreWire } from "./wire.ts";

/** Appends over a wire that delays, loses and hangs, beside another process that may take the shards. */
export class MisbehavingCommit implements CommitPort {
  readonly #model: ModelStore;
  readonly #wire: StoreWire;
  readonly #rivalWrites: (conversationId: string) => void;

  constructor(options: {
    readonly model: ModelStore;
    readonly wire: StoreWire;
    /** Stores a change as another owner. */
    readonly rivalWrites?: (conversationId: string) => void;
  }) {
    this.#model = options.model;
    this.#wire = options.wire;
    this.#rivalWrites = options.rivalWrites ?? (() => {});
  }

  async append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome> {
    const epochs = epochsOf(batch, epochOf);
    const { random, faults } = this.#wire;
    if (random.chance(faults.rival)) this.#interfere(conversationsOf(batch), [...epochs.keys()]);
    await this.#wire.travel();
    if (random.chance(faults.again)) return { type: "again", error: new Error("deadlock detected") };
    if (random.chance(faults.lost)) return this.#lose(batch, epochs);
    const outcome = appendTo(this.#model, batch, epochs);
    await this.#wire.travel();
    return outcome;
  }

  /** The batch may arrive now, after its outcome was asked for, or never. The epoch at that moment decides. */
  async #lose(batch: Batch, epochs: ReadonlyMap<number, number>): Promise<AppendOutcome> {
    const { clock, random, faults } = this.#wire;
    const arrivesInMs = random.pick([0, 1, 40, 400, null]);
    if (arrivesInMs === 0) appendTo(this.#model, batch, epochs);
    else if (arrivesInMs !== null) clock.after(arrivesInMs, () => appendTo(this.#model, batch, epochs));
    await clock.sleep(random.chance(faults.hangs) ? 6_000 : random.below(20));
    return { type: "unknown", error: new Error("connection terminated") };
  }

  #interfere(conversationIds: readonly string[], shards: readonly number[]): void {
    this.#model.raiseEpochs(shards);
    if (this.#wire.random.chance(0.5)) this.#rivalWrites(this.#wire.random.pick(conversationIds));
  }
}
