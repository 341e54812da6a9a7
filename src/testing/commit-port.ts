import type { ConversationState, Member } from "../core/conversations/conversation.ts";
import type { Message } from "../core/messages/message.ts";
import { RecentKeys } from "../core/messages/recent-keys.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import { shardCount, shardOf } from "../core/ports/ownership.ts";
import {
  type ActorReads,
  type AppendOutcome,
  type Change,
  type CommitPort,
  type JoinFacts,
  type KeyQuestion,
  type MessagePlace,
  StoreUnavailable,
} from "../core/ports/store.ts";
import type { VirtualClock } from "./clock.ts";
import type { Random } from "./random.ts";

/** Content with which the model refuses a change for its data. */
export const poison = "poison";

interface Log {
  readonly members: ReadonlyMap<string, Member>;
  readonly messages: Message[];
  /** The seq that holds a key, by `sender key`. */
  readonly keys: Map<string, number>;
}

/** What the database holds, and what its statements do, each at one instant. Faithful to store/append.ts and store/actor-reads.ts. */
export class ModelStore {
  readonly logs = new Map<string, Log>();
  readonly epochs = new Float64Array(shardCount);
  /** Batches that no caller may send: a gap or a disorder within one conversation. */
  readonly misuses: string[] = [];
  /** Kept small, so that memories forget and the index has to know. */
  readonly #loadedKeys: number;

  constructor(options: { readonly loadedKeys: number }) {
    this.#loadedKeys = options.loadedKeys;
  }

  create(conversationId: string, members: ReadonlyMap<string, Member>): void {
    this.logs.set(conversationId, { members, messages: [], keys: new Map() });
  }

  message(conversationId: string, seq: number): Message | undefined {
    return this.logs.get(conversationId)?.messages[seq - 1];
  }

  has(conversationId: string, messageId: string): boolean {
    return this.logs.get(conversationId)?.messages.some((message) => message.id === messageId) ?? false;
  }

  /** Takes shards as another process would. */
  raiseEpochs(shards: readonly number[]): void {
    for (const shard of shards) this.epochs[shard]!++;
  }

  append(changes: readonly Change[], epochs: ReadonlyMap<number, number>): AppendOutcome {
    const stale = [...epochs]
      .filter(([shard, epoch]) => this.epochs[shard] !== epoch)
      .map(([shard]) => shard);
    if (stale.length > 0) return { type: "fenced", shards: stale };
    const byConversation = Map.groupBy(changes, (change) => change.conversationId);
    const moved = new Set<string>();
    const moving: Change[] = [];
    for (const [id, own] of byConversation) {
      this.#expectContiguous(own);
      if (this.#headOf(id) === own[0]!.rev - 1) moving.push(...own);
      else moved.add(id);
    }
    const refusal = this.#refusalOf(moving);
    if (refusal) return refusal;
    for (const change of moving) this.#store(change);
    return { type: "stored", moved };
  }

  load(ids: readonly string[]): ConversationState[] {
    return ids.flatMap((id) => {
      const log = this.logs.get(id);
      return log ? [this.#stateOf(id, log)] : [];
    });
  }

  findKeys(questions: readonly KeyQuestion[]) {
    return questions.flatMap((question) => {
      const log = this.logs.get(question.conversationId);
      const seq = log?.keys.get(keyOf(question.senderId, question.clientRandom));
      if (!log || seq === undefined) return [];
      return [{ ...question, seq, sentAtUs: log.messages[seq - 1]!.sentAtUs }];
    });
  }

  joinFacts(question: { readonly viewerId: string; readonly conversationId: string }): JoinFacts {
    const log = this.logs.get(question.conversationId);
    const member = log?.members.get(question.viewerId);
    if (!log || !member) return { ...question, membership: null, conversation: null, head: null };
    const seq = log.messages.length;
    return {
      ...question,
      membership: { role: member.role },
      conversation: { id: question.conversationId, type: "direct", metadata: "{}", isActive: true },
      head: { seq, rev: seq, membersRev: 0, lastMessageAtUs: log.messages.at(-1)?.sentAtUs ?? null },
    };
  }

  #headOf(id: string): number {
    return this.logs.get(id)?.messages.length ?? -1;
  }

  #expectContiguous(changes: readonly Change[]): void {
    changes.forEach((change, index) => {
      if (change.rev !== changes[0]!.rev + index)
        this.misuses.push(`${change.conversationId} at ${change.rev}`);
    });
  }

  /** As a unique index and a column's type would, for the whole statement. */
  #refusalOf(changes: readonly Change[]): AppendOutcome | null {
    const events = changes.flatMap((change) => change.events);
    if (events.some((event) => event.content === poison))
      return { type: "refused", cause: "data", error: new Error("invalid data") };
    const taken = new Set<string>();
    for (const event of events) {
      if (event.clientRandom === null) continue;
      const key = `${event.conversationId} ${keyOf(event.senderId, event.clientRandom)}`;
      const holder = this.logs.get(event.conversationId)!.keys.get(keyOf(event.senderId, event.clientRandom));
      const isFree = holder === undefined || holder === event.releasesKeyOf;
      if (!isFree || taken.has(key))
        return { type: "refused", cause: "duplicate_key", error: new Error("duplicate key") };
      taken.add(key);
    }
    return null;
  }

  #store(change: Change): void {
    const log = this.logs.get(change.conversationId)!;
    for (const { type: _, releasesKeyOf: __, ...message } of change.events) {
      log.messages.push(message);
      if (message.clientRandom !== null)
        log.keys.set(keyOf(message.senderId, message.clientRandom), message.seq);
    }
  }

  #stateOf(id: string, log: Log): ConversationState {
    const keys = new RecentKeys({ capacity: 16 });
    for (const message of log.messages.slice(-this.#loadedKeys)) {
      if (message.clientRandom === null) continue;
      const holder = log.keys.get(keyOf(message.senderId, message.clientRandom));
      if (holder === message.seq) keys.remember(message.senderId, message.clientRandom, message);
    }
    const seq = log.messages.length;
    return {
      id,
      type: "direct",
      isActive: true,
      members: log.members,
      keys,
      membersRev: 0,
      seq,
      rev: seq,
      lastSentAtUs: log.messages.at(-1)?.sentAtUs ?? 0,
    };
  }
}

function keyOf(senderId: string, clientRandom: number): string {
  return `${senderId} ${clientRandom}`;
}

/** How likely each misbehaviour is, from 0 to 1. */
export interface Faults {
  /** Fails before it stores, and says so. */
  readonly again: number;
  /** The connection is lost under the batch: before it, after it, or while it is still on its way. */
  readonly lost: number;
  /** Hangs for seconds before its outcome is unknown. */
  readonly hangs: number;
  /** Takes ten times as long. */
  readonly slow: number;
  /** Another process has taken the shards; half of the time it has also written. */
  readonly rival: number;
  /** Reads, probes and take-overs fail. */
  readonly reads: number;
}

export const noFaults: Faults = { again: 0, lost: 0, hangs: 0, slow: 0, rival: 0, reads: 0 };

/** The store as the engine sees it: over a wire that delays, loses and hangs, in virtual time. */
export class MisbehavingStore implements CommitPort, ActorReads, Ownership {
  readonly #model: ModelStore;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #rivalWrites: (conversationId: string) => void;
  readonly #known = new Float64Array(shardCount);
  readonly #listeners: ((held: boolean) => void)[] = [];
  #held = true;
  faults: Faults;

  constructor(options: {
    readonly model: ModelStore;
    readonly clock: VirtualClock;
    readonly random: Random;
    readonly faults: Faults;
    readonly rivalWrites: (conversationId: string) => void;
  }) {
    this.#model = options.model;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#rivalWrites = options.rivalWrites;
    this.faults = options.faults;
  }

  async append(changes: readonly Change[], epochOf: (shard: number) => number): Promise<AppendOutcome> {
    const shards = [...new Set(changes.map((change) => shardOf(change.conversationId)))];
    const epochs = new Map(shards.map((shard) => [shard, epochOf(shard)]));
    const { random, faults } = { random: this.#random, faults: this.faults };
    if (random.chance(faults.rival)) this.#interfere(changes, shards);
    await this.#travel();
    if (random.chance(faults.again)) return { type: "again", error: new Error("deadlock detected") };
    if (random.chance(faults.lost)) return this.#lose(changes, epochs);
    const outcome = this.#model.append(changes, epochs);
    await this.#travel();
    return outcome;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly ConversationState[]> {
    return this.#ask(() => this.#model.load(ids));
  }

  async findKeys(questions: readonly KeyQuestion[]) {
    return this.#ask(() => this.#model.findKeys(questions));
  }

  async findStored(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const has = (id: string) =>
      [...this.#model.logs.values()].some((log) => log.messages.some((message) => message.id === id));
    return this.#ask(() => new Set(ids.filter(has)));
  }

  async readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]> {
    return this.#ask(() =>
      asked.map((place) => this.#model.message(place.conversationId, place.seq) ?? null),
    );
  }

  async joinFacts(
    questions: readonly { readonly viewerId: string; readonly conversationId: string }[],
  ): Promise<readonly JoinFacts[]> {
    return this.#ask(() => questions.map((question) => this.#model.joinFacts(question)));
  }

  isHeld(): boolean {
    return this.#held;
  }

  epochOf(shard: number): number {
    return this.#known[shard]!;
  }

  async renew(shards: readonly number[]): Promise<ReadonlySet<number>> {
    return this.#ask(() => {
      if (!this.#held) throw new Error("this process does not hold the lock at present");
      this.#model.raiseEpochs(shards);
      for (const shard of shards) this.#known[shard] = this.#model.epochs[shard]!;
      return new Set(shards);
    });
  }

  onChange(listener: (held: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Loses the right to write; `gain` takes everything with new epochs. */
  lose(): void {
    this.#change(false);
  }

  gain(): void {
    if (this.#held) return;
    this.#model.raiseEpochs([...this.#known.keys()]);
    this.#known.set(this.#model.epochs);
    this.#change(true);
  }

  #change(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    for (const listener of this.#listeners) listener(held);
  }

  /** The batch may arrive now, after its outcome was asked for, or never: what decides is the epoch at that moment. */
  async #lose(changes: readonly Change[], epochs: ReadonlyMap<number, number>): Promise<AppendOutcome> {
    const arrivesInMs = this.#random.pick([0, 1, 40, 400, null]);
    if (arrivesInMs === 0) this.#model.append(changes, epochs);
    else if (arrivesInMs !== null) this.#clock.after(arrivesInMs, () => this.#model.append(changes, epochs));
    await this.#clock.sleep(this.#random.chance(this.faults.hangs) ? 6_000 : this.#random.below(20));
    return { type: "unknown", error: new Error("connection terminated") };
  }

  #interfere(changes: readonly Change[], shards: readonly number[]): void {
    this.#model.raiseEpochs(shards);
    if (this.#random.chance(0.5)) this.#rivalWrites(this.#random.pick(changes).conversationId);
  }

  /** A read: seen at one instant, told later, or not at all. */
  async #ask<T>(read: () => T): Promise<T> {
    await this.#travel();
    if (this.#random.chance(this.faults.reads)) {
      if (this.#random.chance(0.5)) read();
      throw new StoreUnavailable({ cause: new Error("connection terminated") });
    }
    const answer = read();
    await this.#travel();
    return answer;
  }

  #travel(): Promise<void> {
    const longestMs = this.#random.chance(this.faults.slow) ? 100 : 10;
    return this.#clock.sleep(this.#random.below(longestMs));
  }
}
