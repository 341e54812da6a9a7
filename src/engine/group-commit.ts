import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import { shardOf } from "../core/ports/ownership.ts";
import type { ActorReads, AppendOutcome, CommitPort, KeyQuestion } from "../core/ports/store.ts";
import { reject } from "../core/rejection.ts";
import type { Actor, Entry } from "./actor.ts";

export interface LaneSettings {
  /** The most rows of one batch. */
  readonly maxRows: number;
  /** The most bytes of content and metadata in one batch, so that large messages do not hold up small ones for long. */
  readonly maxBytes: number;
}

/**
 * Group commit: one connection, one batch in flight, no timer. The next batch takes whatever queued up while the last one was on
 * its way: an idle lane answers in one round trip, a busy one amortises it.
 *
 * Batches are stored in the order in which their changes were decided. A batch that fails for its data is halved by
 * conversation until the guilty change is found; one whose outcome is unknown is settled before anything else is sent.
 */
export class Lane {
  readonly #port: CommitPort;
  readonly #reads: Pick<ActorReads, "findKeys" | "findStored">;
  readonly #ownership: Ownership;
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #settings: LaneSettings;
  #queue: Entry[] = [];
  #running: Promise<void> | null = null;

  constructor(options: {
    readonly port: CommitPort;
    readonly reads: Pick<ActorReads, "findKeys" | "findStored">;
    readonly ownership: Ownership;
    readonly observer: Observer;
    readonly clock: Clock;
    readonly settings: LaneSettings;
  }) {
    this.#port = options.port;
    this.#reads = options.reads;
    this.#ownership = options.ownership;
    this.#observer = options.observer;
    this.#clock = options.clock;
    this.#settings = options.settings;
  }

  /** Changes that wait for the next batch. Bounded by the mailboxes and by the engine's cap on commands under way. */
  get queued(): number {
    return this.#queue.length;
  }

  commit(entry: Entry): void {
    this.#queue.push(entry);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is queued and nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#next();
    this.#running = null;
  }

  async #next(): Promise<void> {
    const batch = this.#take();
    if (batch.length === 0) return;
    for (const entry of batch) entry.actor.sent(entry);
    try {
      await this.#store(batch);
    } catch (error) {
      this.#observer.bug("group commit", error);
      for (const entry of batch) if (entry.turn.inFlight) entry.actor.notStored(entry);
    }
  }

  /** The oldest changes that still count, within the bounds of a batch. */
  #take(): Entry[] {
    const batch: Entry[] = [];
    let bytes = 0;
    let taken = 0;
    while (
      taken < this.#queue.length &&
      batch.length < this.#settings.maxRows &&
      bytes < this.#settings.maxBytes
    ) {
      const entry = this.#queue[taken++]!;
      if (entry.generation !== entry.actor.generation) continue;
      batch.push(entry);
      bytes += sizeOf(entry);
    }
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    return batch;
  }

  async #store(batch: readonly Entry[]): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const outcome = await this.#port.append(batch.map(changeOf), (shard) => this.#ownership.epochOf(shard));
    if (outcome.type !== "stored") return this.#storeFailed(batch, outcome);
    this.#observer.batchCommitted(batch.length, this.#clock.monotonicMs() - startedMs);
    if (outcome.moved.size === 0) return batch.forEach(storedEntry);
    for (const entry of batch) {
      if (outcome.moved.has(entry.actor.id)) entry.actor.notStored(entry);
      else entry.actor.stored(entry);
    }
  }

  #storeFailed(batch: readonly Entry[], outcome: Exclude<AppendOutcome, { type: "stored" }>): Promise<void> {
    this.#observer.batchFailed(outcome.type);
    switch (outcome.type) {
      case "fenced":
        return this.#fenced(batch, outcome.shards);
      case "refused":
        return outcome.cause === "duplicate_key" ? this.#repeated(batch) : this.#halve(batch, outcome.error);
      case "again":
        return this.#again(batch, outcome.error);
      case "unknown":
        return this.#settleUnknown(batch, outcome.error);
    }
  }

  /** Others wrote for these shards, or nobody did and they are still ours: either way they get new epochs before anything is sent. */
  async #fenced(batch: readonly Entry[], shards: readonly number[]): Promise<void> {
    const lost = new Set(shards);
    await this.#untilReached(() => this.#ownership.renew(shards));
    this.#split(batch, (entry) => lost.has(entry.actor.shard));
  }

  /** A key is taken that no memory knew. Whoever sent a taken one is looked up from now on; the others go again as they are. */
  async #repeated(batch: readonly Entry[]): Promise<void> {
    const released = new Set(batch.flatMap(releasesOf));
    const found = await this.#untilReached(() => this.#reads.findKeys(batch.flatMap(keysOf)));
    const taken = found.filter((key) => !released.has(`${key.conversationId} ${key.seq}`));
    if (taken.length === 0) return this.#halve(batch, new Error("a duplicate key that is not in the store"));
    const actors = new Map(batch.map((entry) => [entry.actor.id, entry.actor]));
    for (const key of taken) actors.get(key.conversationId)?.doubt(key.senderId);
    const guilty = new Set(taken.map((key) => key.conversationId));
    this.#split(batch, (entry) => guilty.has(entry.actor.id));
  }

  /** Stores the halves one after the other; a half of one change that fails is refused, and only that. */
  async #halve(batch: readonly Entry[], error: unknown): Promise<void> {
    const only = batch.length === 1 ? batch[0] : undefined;
    if (only) {
      this.#observer.bug("a change that the store refuses", error);
      return only.actor.refuse(only, unstorable);
    }
    const [first, second] = halves(batch);
    await this.#store(first);
    const [live, voided] = partition(second, (entry) => entry.generation === entry.actor.generation);
    for (const entry of voided) entry.actor.notStored(entry);
    const before = this.#waitingAgain(first);
    if (before > 0) return this.#waitBehind(before, live);
    if (live.length > 0) await this.#store(live);
  }

  /** How many of them went back to the front of the queue. */
  #waitingAgain(entries: readonly Entry[]): number {
    const front = new Set(this.#queue.slice(0, entries.length));
    return entries.filter((entry) => front.has(entry)).length;
  }

  /** A second half never overtakes its first: changes of one conversation stay in order. */
  #waitBehind(before: number, entries: readonly Entry[]): void {
    for (const entry of entries) entry.actor.held(entry);
    this.#queue.splice(before, 0, ...entries);
  }

  /** Nothing was written. The pause keeps a store in trouble from being asked in a tight loop. */
  async #again(batch: readonly Entry[], error: unknown): Promise<void> {
    this.#observer.note("a batch was not stored and goes again", { reason: reasonOf(error) });
    await this.#pause(retryPauseMs);
    this.#split(batch, (entry) => entry.turn.answer === null);
  }

  /**
   * The connection was lost under the batch. New epochs keep the old transaction from ever storing it, or show that it did; what is then
   * found is told, what is not is decided again.
   */
  async #settleUnknown(batch: readonly Entry[], error: unknown): Promise<void> {
    this.#observer.note("the outcome of a batch is unknown", { reason: reasonOf(error), rows: batch.length });
    const shards = [...new Set(batch.map((entry) => shardOf(entry.actor.id)))];
    await this.#untilReached(() => this.#ownership.renew(shards));
    const stored = await this.#untilReached(() => this.#reads.findStored(batch.map(idOf)));
    for (const entry of batch) {
      if (stored.has(idOf(entry))) entry.actor.stored(entry);
      else entry.actor.notStored(entry);
    }
  }

  /** Void entries are decided again; the others go to the front of the queue, unchanged. */
  #split(batch: readonly Entry[], isVoid: (entry: Entry) => boolean): void {
    const [voided, kept] = partition(batch, isVoid);
    for (const entry of kept) entry.actor.held(entry);
    for (const entry of voided) entry.actor.notStored(entry);
    this.#queue = [...kept, ...this.#queue];
  }

  /** Asks until the store answers. The deadlines of the turns end the waiting of those who asked, not this. */
  async #untilReached<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        this.#observer.note("the store cannot be reached", { reason: reasonOf(error) });
        await this.#pause(retryPauseMs);
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(delayMs, resolve));
  }
}

const retryPauseMs = 50;

const unstorable = reject(
  "internal",
  "The store refused this command for what it holds. Nothing was changed; report it with its time.",
);

function storedEntry(entry: Entry): void {
  entry.actor.stored(entry);
}

function changeOf(entry: Entry): Entry["change"] {
  return entry.change;
}

/** Any event of a change tells of all: they are stored together. */
function idOf(entry: Entry): string {
  return entry.change.events[0]!.id;
}

function keysOf(entry: Entry): KeyQuestion[] {
  return entry.change.events.flatMap((event) =>
    event.clientRandom === null
      ? []
      : [
          {
            conversationId: event.conversationId,
            senderId: event.senderId,
            clientRandom: event.clientRandom,
          },
        ],
  );
}

/** The places whose hold on a key ends with this entry, so that it is not in the way. */
function releasesOf(entry: Entry): string[] {
  return entry.change.events
    .filter((event) => event.releasesKeyOf !== null)
    .map((event) => `${event.conversationId} ${event.releasesKeyOf}`);
}

function sizeOf(entry: Entry): number {
  let bytes = 0;
  for (const event of entry.change.events) bytes += event.content.length + event.metadata.length;
  return bytes;
}

/** By conversation; within the last one, by change. */
function halves(batch: readonly Entry[]): [readonly Entry[], readonly Entry[]] {
  const actors = [...new Set(batch.map((entry) => entry.actor))];
  if (actors.length === 1) {
    const middle = batch.length >> 1;
    return [batch.slice(0, middle), batch.slice(middle)];
  }
  const firstHalf = new Set<Actor>(actors.slice(0, actors.length >> 1));
  return partition(batch, (entry) => firstHalf.has(entry.actor));
}

function partition(batch: readonly Entry[], test: (entry: Entry) => boolean): [Entry[], Entry[]] {
  const yes: Entry[] = [];
  const no: Entry[] = [];
  for (const entry of batch) (test(entry) ? yes : no).push(entry);
  return [yes, no];
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
