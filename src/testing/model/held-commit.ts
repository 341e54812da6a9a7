import type { AppendOutcome, Batch, CommitPort } from "../../core/ports/commit.ts";

/** Collects batches, and holds them up where a test says so. */
export class HeldCommit implements CommitPort {
  readonly batches: Batch[] = [];
  /** The outcome of a batch instead of storing it; null: it is stored. */
  outcomeOf: (batch: Batch) => AppendOutcome | null;
  readonly #port: CommitPort;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};

  constructor(port: CommitPort, outcomeOf: (batch: Batch) => AppendOutcome | null = () => null) {
    this.#port = port;
    this.outcomeOf = outcomeOf;
  }

  async append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome> {
    this.batches.push(batch);
    await this.#gate;
    return this.outcomeOf(batch) ?? this.#port.append(batch, epochOf);
  }

  /** No batch gets through until `release`. */
  hold(): void {
    ({ promise: this.#gate, resolve: this.#open } = Promise.withResolvers<void>());
  }

  release(): void {
    this.#open();
  }
}
