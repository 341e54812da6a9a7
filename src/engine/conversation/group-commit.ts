import type { MarkedConversation } from "../../core/messages/marks.ts";
import type { ActorReads } from "../../core/ports/actor-reads.ts";
import { type Clock, pause } from "../../core/ports/clock.ts";
import type { AppendOutcome, CommitPort } from "../../core/ports/commit.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Ownership } from "../../core/ports/ownership.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { reject } from "../../core/rejection.ts";
import { MarkQueue } from "../receipts/mark-queue.ts";
import { halvesOfMarks, noMarks, type TakenMarks } from "../receipts/mark-slots.ts";
import { outcomeUnknown } from "../refusals.ts";
import type { Entry } from "./actor.ts";
import {
  changeOf,
  halves,
  isOfMembers,
  keysOf,
  partition,
  reasonOf,
  releasesOf,
  storedEntry,
} from "./entries.ts";
import { LaneQueue, type LaneSettings } from "./lane-queue.ts";
import { orFailure, storePauseMs, untilReached } from "./until-reached.ts";

/**
 * Group commit: one connection, one batch in flight, no timer. The next batch takes everything that queued up while the last one was on its
 * way: an idle lane answers in one round trip, a busy one shares it among many changes.
 *
 * Marks travel with the next batch, or alone when nothing else is to be stored.
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
  readonly #marked: (conversations: readonly MarkedConversation[], atUs: number) => void;
  readonly marks: MarkQueue;
  readonly #queue = new LaneQueue();
  #running: Promise<void> | null = null;

  constructor(options: {
    readonly port: CommitPort;
    readonly reads: Pick<ActorReads, "findKeys" | "findStored">;
    readonly ownership: Ownership;
    readonly observer: Observer;
    readonly clock: Clock;
    readonly settings: LaneSettings;
    /** Marks became durable. */
    readonly marked: (conversations: readonly MarkedConversation[], atUs: number) => void;
  }) {
    this.#port = options.port;
    this.#reads = options.reads;
    this.#ownership = options.ownership;
    this.#observer = options.observer;
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#marked = options.marked;
    const { clock, observer } = options;
    this.marks = new MarkQueue({ clock, observer, wake: () => this.#start() });
  }

  /** Changes that wait for the next batch. Bounded by the mailboxes and by the engine's cap on commands under way. */
  get queued(): number {
    return this.#queue.size;
  }

  commit(entry: Entry): void {
    this.#queue.push(entry);
    this.#start();
  }

  /** Resolves when nothing is queued and nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#queue.size > 0 || this.marks.due > 0) await this.#next();
    this.#running = null;
  }

  /** Never rejects: the lane would stand still for all of its conversations. */
  async #next(): Promise<void> {
    const batch = this.#queue.take(this.#settings);
    const marks = this.#takeMarks(batch);
    if (batch.length === 0 && marks.moves.length === 0) return;
    try {
      for (const entry of batch) entry.actor.sent(entry);
      await this.#store(batch, marks);
    } catch (error) {
      this.#observer.bug("group commit", error);
      for (const entry of batch) if (entry.turn.inFlight) entry.actor.notStored(entry);
      this.marks.again(marks);
    }
  }

  /** Takes no marks of conversations whose members change in this batch: one statement cannot change a row twice. */
  #takeMarks(batch: readonly Entry[]): TakenMarks {
    if (this.marks.due === 0) return noMarks;
    const changing = new Set<string>();
    for (const { actor, change } of batch) if (change.events.some(isOfMembers)) changing.add(actor.id);
    return this.marks.take(maxMarks, (conversationId) => !changing.has(conversationId));
  }

  async #store(batch: readonly Entry[], marks: TakenMarks = noMarks): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const atUs = this.#clock.nowUs();
    const outcome = await this.#port.append(
      { changes: batch.map(changeOf), marks: marks.moves, atUs },
      (shard) => this.#ownership.epochOf(shard),
    );
    if (outcome.type !== "stored") return this.#storeFailed(batch, marks, outcome);
    this.#observer.batchCommitted(batch.length, this.#clock.monotonicMs() - startedMs);
    if (marks !== noMarks) this.#marksStored(marks, outcome.marked, atUs);
    if (outcome.moved.size === 0) return batch.forEach(storedEntry);
    for (const entry of batch) {
      if (outcome.moved.has(entry.actor.id)) entry.actor.notStored(entry);
      else entry.actor.stored(entry);
    }
  }

  #marksStored(marks: TakenMarks, marked: readonly MarkedConversation[], atUs: number): void {
    this.marks.stored(marks, marked);
    try {
      this.#marked(marked, atUs);
    } catch (error) {
      this.#observer.bug("telling of marks", error);
    }
  }

  /** Marks are absolute: sending them again is always right, but for those that the store refuses. */
  #storeFailed(
    batch: readonly Entry[],
    marks: TakenMarks,
    outcome: Exclude<AppendOutcome, { type: "stored" }>,
  ): Promise<void> {
    this.#observer.batchFailed(outcome.type);
    if (marks !== noMarks && outcome.type === "refused" && outcome.cause === "data")
      return this.#apart(batch, marks, outcome.error);
    this.marks.again(marks);
    switch (outcome.type) {
      case "fenced":
        return this.#fenced(batch, outcome.shards);
      case "refused":
        return outcome.cause === "duplicate_key" ? this.#repeated(batch) : this.#halve(batch, outcome.error);
      case "again":
        return this.#again(batch);
      case "unknown":
        return this.#settleUnknown(batch, outcome.error);
    }
  }

  /** A change or a mark is refused: stores changes and marks apart, so that neither fails because of the other. */
  async #apart(batch: readonly Entry[], marks: TakenMarks, error: unknown): Promise<void> {
    if (batch.length === 0) return this.#halveMarks(marks, error);
    await this.#store(batch);
    await this.#store([], marks);
  }

  /** Stores the halves one after the other; a half of one member's marks that fails is refused, and only that. */
  async #halveMarks(marks: TakenMarks, error: unknown): Promise<void> {
    if (marks.moves.length === 1) {
      this.#observer.bug("a mark that the store refuses", error);
      return this.marks.refused(marks, unstorable);
    }
    for (const half of halvesOfMarks(marks)) await this.#store([], half);
  }

  /**
   * Others wrote for these shards, or nobody did and they are still ours. Those that are get new epochs before anything is sent. Nothing of
   * the others is sent again: their commands wait undecided, as in any conversation that is not this node's.
   */
  async #fenced(batch: readonly Entry[], shards: readonly number[]): Promise<void> {
    const stale = new Set(shards);
    await this.#renew(shards);
    this.#split(batch, (entry) => stale.has(entry.actor.shard));
  }

  /** Marks of shards that are another node's by then are refused: they would be fenced for ever. */
  async #renew(shards: readonly number[]): Promise<void> {
    const held = await untilReached(this.#clock, () => this.#ownership.renew(shards));
    const lost = new Set(shards.filter((shard) => !held.has(shard)));
    if (lost.size > 0) this.marks.lose((conversationId) => lost.has(shardOf(conversationId)));
  }

  /**
   * A key is taken that memory did not know. The keys of its sender are looked up from now on, and the changes of its conversation are decided
   * again. All other changes go again as they are.
   */
  async #repeated(batch: readonly Entry[]): Promise<void> {
    const released = new Set(batch.flatMap(releasesOf));
    const found = await orFailure(this.#clock, () => this.#reads.findKeys(batch.flatMap(keysOf)));
    if ("failure" in found) return this.#halve(batch, found.failure);
    const taken = found.filter((key) => !released.has(`${key.conversationId} ${key.seq}`));
    if (taken.length === 0) return this.#halve(batch, new Error("a duplicate key that is not in the store"));
    const actors = new Map(batch.map((entry) => [entry.actor.id, entry.actor]));
    for (const key of taken) actors.get(key.conversationId)?.suspect(key.senderId);
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
    const [live, voided] = partition(second, (entry) => entry.attempt === entry.actor.attempt);
    for (const entry of voided) entry.actor.notStored(entry);
    const before = this.#queue.inFront(first);
    if (before > 0) return this.#waitBehind(before, live);
    if (live.length > 0) await this.#store(live);
  }

  /** A second half never overtakes its first: changes of one conversation stay in order. */
  #waitBehind(before: number, entries: readonly Entry[]): void {
    for (const entry of entries) entry.actor.held(entry);
    this.#queue.putBehind(before, entries);
  }

  /** Nothing was written; the store has reported why. The pause protects a store in trouble from a tight loop of attempts. */
  async #again(batch: readonly Entry[]): Promise<void> {
    await pause(this.#clock, storePauseMs);
    this.#split(batch, (entry) => entry.turn.answer === null);
  }

  /**
   * The connection was lost during the batch. New epochs prevent the old transaction from ever storing it, or show that it did. Changes that
   * are then found are reported as stored. The others are decided again, where this node still holds the shard.
   */
  async #settleUnknown(batch: readonly Entry[], error: unknown): Promise<void> {
    this.#observer.warn("batch_outcome_unknown", { reason: reasonOf(error), rows: batch.length });
    // Marks alone: stored or not, they go again.
    if (batch.length === 0) return pause(this.#clock, storePauseMs);
    const shards = [...new Set(batch.map((entry) => entry.actor.shard))];
    await this.#renew(shards);
    await this.#tellStored(batch);
  }

  /** Halves the batch by conversation when the store cannot answer for all of it, so that only the guilty conversation gets `outcome_unknown`. */
  async #tellStored(batch: readonly Entry[]): Promise<void> {
    const stored = await orFailure(this.#clock, () => this.#reads.findStored(batch.map(changeOf)));
    if (!("failure" in stored)) {
      batch.forEach((entry, index) => {
        if (stored[index]) entry.actor.stored(entry);
        else entry.actor.notStored(entry);
      });
    } else if (batch.some(({ actor }) => actor !== batch[0]!.actor)) {
      for (const half of halves(batch)) await this.#tellStored(half);
    } else {
      this.#observer.bug("finding out what was stored", stored.failure);
      for (const entry of batch) entry.actor.refuse(entry, outcomeUnknown);
    }
  }

  /** Void entries are decided again; the others go to the front of the queue, unchanged. */
  #split(batch: readonly Entry[], isVoid: (entry: Entry) => boolean): void {
    const [voided, kept] = partition(batch, isVoid);
    for (const entry of kept) entry.actor.held(entry);
    for (const entry of voided) entry.actor.notStored(entry);
    this.#queue.putBehind(0, kept);
  }
}

/** The most marks of one batch. */
const maxMarks = 500;

const unstorable = reject(
  "internal",
  "The store refused this command for what it holds. Nothing was changed; report it with its time.",
);
