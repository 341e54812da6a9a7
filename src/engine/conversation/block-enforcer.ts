import type { Outcome } from "../../core/outcome.ts";
import type { BlockedPair, Blocks, PairKey } from "../../core/ports/blocks.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { type Ownership, shardOf, someShard } from "../../core/ports/ownership.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import { storeRows } from "../reads/store-rows.ts";
import type { Meetings } from "./meetings.ts";
import { keyOf, PairRetries } from "./pair-retries.ts";
import type { Registry } from "./registry.ts";

/** The most pairs of one read, and the most pairs under way. */
const pairsAtOnce = 100;
/** Backs up the notifications: one that was lost delays a block by this much at most. */
const pollMs = 30_000;
const retryPauseMs = 500;
/** Failures in a row before a warning is logged: a full mailbox or a restart of the database ends by itself. */
const failuresToTell = 3;

/**
 * Makes direct conversations follow the blocks between their two users, by commands to the actor, which alone writes. A pair is pending until
 * its command is durable. A command for a block that is already applied changes nothing, so a crash or an unknown outcome costs one more
 * command.
 *
 * Pairs do not delay each other: a pair that fails waits for its own next attempt while the sweep goes on, and the sweep does not wait for a
 * pair that takes long.
 */
export class BlockEnforcer {
  readonly #blocks: Blocks;
  readonly #commands: Pick<Registry, "submit">;
  readonly #meetings: Pick<Meetings, "settled">;
  readonly #pubsub: Pick<PubSub, "publish">;
  readonly #ownership: Pick<Ownership, "isHeld" | "onChange">;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #newId: NewId;
  readonly #retries = new PairRetries();
  readonly #underWay = new Map<string, Promise<void>>();
  #toConfirm: BlockedPair[] = [];
  #confirming = false;
  #running = false;
  #wanted = false;
  #stopped = false;
  /** Failures of reads and confirmations, in a row. */
  #storeFailures = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: {
    readonly blocks: Blocks;
    readonly commands: Pick<Registry, "submit">;
    readonly meetings: Pick<Meetings, "settled">;
    readonly pubsub: Pick<PubSub, "publish">;
    readonly ownership: Pick<Ownership, "isHeld" | "onChange">;
    readonly clock: Clock;
    readonly observer: Observer;
    readonly newId: NewId;
  }) {
    this.#blocks = options.blocks;
    this.#commands = options.commands;
    this.#meetings = options.meetings;
    this.#pubsub = options.pubsub;
    this.#ownership = options.ownership;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#newId = options.newId;
  }

  start(): void {
    this.#ownership.onChange((_, held) => held && this.#wake());
    this.#blocks.subscribe(() => this.#wake());
    this.#wakeAfter(pollMs);
  }

  /** Commands under way may still be answered. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
  }

  #wake(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  /** Pairs that become pending during a sweep are found by the next one. */
  async #run(): Promise<void> {
    this.#running = true;
    let isSwept = true;
    while (this.#wanted && isSwept && this.#mayRun()) {
      this.#wanted = false;
      isSwept = await this.#sweep();
    }
    this.#running = false;
    this.#wakeLater();
  }

  #mayRun(): boolean {
    return !this.#stopped && someShard((shard) => this.#ownership.isHeld(shard));
  }

  /** Begins every pending pair that is due. False: the store could not be read. */
  async #sweep(): Promise<boolean> {
    const startedMs = this.#clock.monotonicMs();
    let after: PairKey | null = null;
    while (this.#mayRun()) {
      const pairs: readonly BlockedPair[] | null = await this.#read(after);
      if (!pairs) return false;
      for (const pair of pairs) await this.#beginIfDue(pair);
      after = pairs.at(-1) ?? null;
      if (pairs.length === pairsAtOnce) continue;
      this.#retries.forgetDue(startedMs);
      return true;
    }
    return true;
  }

  async #read(after: PairKey | null): Promise<readonly BlockedPair[] | null> {
    try {
      const pairs = await this.#blocks.pending(after, pairsAtOnce);
      this.#storeFailures = 0;
      return pairs;
    } catch (error) {
      this.#storeFailed(error);
      return null;
    }
  }

  /** Waits while the most pairs are under way. */
  async #beginIfDue(pair: BlockedPair): Promise<void> {
    while (this.#underWay.size >= pairsAtOnce) await Promise.race(this.#underWay.values());
    const key = keyOf(pair);
    if (!this.#ownership.isHeld(shardOfPair(pair))) return;
    if (this.#underWay.has(key) || !this.#retries.isDue(pair, this.#clock.monotonicMs())) return;
    this.#retries.begun(pair);
    const work = this.#apply(pair).then((failure) => {
      this.#underWay.delete(key);
      if (failure) this.#failed(pair, failure);
      else this.#confirm(pair);
    });
    this.#underWay.set(key, work);
  }

  /**
   * Null: applied. A pair without a direct conversation counts as applied once the commands that could have added one to a group of the other
   * have ended: no direct conversation can begin while the block is stored. Never rejects.
   */
  async #apply(pair: BlockedPair): Promise<string | null> {
    const { conversation, unreadable, lowId, highId, isApart } = pair;
    this.#pubsub.publish({ type: "apart", lowId, highId, isApart });
    await this.#meetings.settled();
    if (unreadable !== null) return unreadable;
    return conversation ? this.#applyTo(conversation) : null;
  }

  async #applyTo(conversation: NonNullable<BlockedPair["conversation"]>): Promise<string | null> {
    const { id: conversationId, sides } = conversation;
    const missing = sides.find(({ member }) => !member);
    if (missing) this.#observer.warn("direct_member_row_missing", { conversationId, userId: missing.userId });
    const senderId = sides[0].userId;
    const command = { type: "apply_blocks", id: this.#newId(), conversationId, senderId, sides } as const;
    try {
      const outcome = await new Promise<Outcome>((resolve) => this.#commands.submit(command, resolve, null));
      return outcome.type === "rejection" ? outcome.code : null;
    } catch (error) {
      this.#observer.bug("applying a block", error);
      return String(error);
    }
  }

  #failed(pair: BlockedPair, reason: string): void {
    const failures = this.#retries.failed(pair, this.#clock.monotonicMs());
    const { lowId, highId } = pair;
    if (failures >= failuresToTell)
      this.#observer.warn("block_not_applied", { lowId, highId, reason, failures });
    if (!this.#running) this.#wakeLater();
  }

  /** Pairs that end while others are being confirmed share the next statement. */
  #confirm(pair: BlockedPair): void {
    this.#toConfirm.push(pair);
    if (!this.#confirming) void this.#confirmAll();
  }

  async #confirmAll(): Promise<void> {
    this.#confirming = true;
    await Promise.resolve();
    while (this.#toConfirm.length > 0) await this.#confirmSome(this.#toConfirm.splice(0));
    this.#confirming = false;
  }

  /** Confirms pairs together; one that the store refuses fails alone. */
  async #confirmSome(pairs: readonly BlockedPair[]): Promise<void> {
    const left = await storeRows({
      rows: pairs,
      atOnce: pairsAtOnce,
      save: (some) => this.#confirmTogether(some),
      refused: (pair, error) => this.#failed(pair, reasonOf(error)),
    });
    if (!left) return;
    this.#storeFailed(left.error);
    for (const pair of left.rows) this.#failed(pair, reasonOf(left.error));
  }

  async #confirmTogether(pairs: readonly BlockedPair[]): Promise<void> {
    await this.#blocks.applied(pairs);
    for (const pair of pairs) this.#retries.succeeded(pair);
  }

  #storeFailed(error: unknown): void {
    this.#storeFailures++;
    if (this.#storeFailures >= failuresToTell)
      this.#observer.warn("blocks_store_unavailable", { reason: reasonOf(error) });
  }

  /** Wakes for the next retry, at the latest for the poll. */
  #wakeLater(): void {
    const dueInMs = this.#retries.nextDueMs - this.#clock.monotonicMs();
    this.#wakeAfter(
      this.#storeFailures > 0 ? retryPauseMs : Math.min(pollMs, Math.max(retryPauseMs, dueInMs)),
    );
  }

  #wakeAfter(delayMs: number): void {
    this.#cancelTimer();
    if (!this.#stopped) this.#cancelTimer = this.#clock.after(delayMs, () => this.#wake());
  }
}

/** Returns the shard whose owner applies the pair. Without a conversation, any shard that all nodes compute alike. */
function shardOfPair({ conversation, lowId }: BlockedPair): number {
  return shardOf(conversation?.id ?? lowId);
}

/** Returns the error of the database if there is one. */
function reasonOf(error: unknown): string {
  return String(error instanceof StoreUnavailable ? error.cause : error);
}
