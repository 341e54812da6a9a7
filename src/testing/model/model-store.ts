import type { ConversationType, Member, MemberMarks } from "../../core/conversations/conversation.ts";
import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { shardCount } from "../../core/ports/ownership.ts";
import { type Log, newLog, presentIn, type StoredMember, storeEvents } from "./log.ts";

/** Content with which the model refuses a change for its data. */
export const poison = "poison";

/** The blocks between two users, each since when; null: none. */
export interface Pair {
  readonly lowId: string;
  readonly highId: string;
  lowBlocksSinceUs: number | null;
  highBlocksSinceUs: number | null;
  /** Their conversation has not followed yet. */
  isPending: boolean;
}

/** A device, with what it has confirmed by conversation. */
export interface StoredDevice {
  /** The store's generation when the device was registered. */
  readonly generation: number;
  readonly cursors: Map<string, { readonly seq: number; readonly rev: number }>;
}

/** What the database holds. The ports of the model read and write it, each call at one instant. Held by `store/contract.ts`. */
export class ModelStore {
  generation = 1;
  readonly logs = new Map<string, Log>();
  readonly epochs = new Float64Array(shardCount);
  /** By `pairKey`. */
  readonly pairs = new Map<string, Pair>();
  /** By user and device. */
  readonly devices = new Map<string, StoredDevice>();
  readonly ownRevs = new Map<string, number>();
  readonly lastSeenUs = new Map<string, number>();
  /** Batches that no caller may send, in words: a gap or a disorder within one conversation, a row that would be written twice. */
  readonly misuses: string[] = [];
  /** The keys that an actor is loaded with. Few of them make it forget, so that the index has to know. */
  readonly loadedKeys: number;

  constructor(options: { readonly loadedKeys?: number } = {}) {
    this.loadedKeys = options.loadedKeys ?? 128;
  }

  create(
    conversationId: string,
    members: ReadonlyMap<string, Member>,
    type: ConversationType = "direct",
  ): void {
    this.logs.set(conversationId, newLog({ id: conversationId, type, members: members.values() }));
  }

  message(conversationId: string, seq: number): Message | undefined {
    return this.logs.get(conversationId)?.messages[seq - 1];
  }

  has(conversationId: string, messageId: string): boolean {
    return this.logs.get(conversationId)?.messages.some((message) => message.id === messageId) ?? false;
  }

  /** Returns the marks of a present member. */
  marksOf(conversationId: string, userId: string): MemberMarks | undefined {
    return this.presentMember(conversationId, userId);
  }

  presentMember(conversationId: string, userId: string): StoredMember | undefined {
    const member = this.logs.get(conversationId)?.members.get(userId);
    return member?.leftSeq === null ? member : undefined;
  }

  present(conversationId: string): StoredMember[] {
    return presentIn(this.logs.get(conversationId));
  }

  /** Returns the conversations of which the user is a member. */
  logsOf(userId: string): Log[] {
    return [...this.logs.values()].filter(({ members }) => members.get(userId)?.leftSeq === null);
  }

  /** Takes shards as another process would. */
  raiseEpochs(shards: Iterable<number>): void {
    for (const shard of shards) this.epochs[shard]!++;
  }

  /** Begins another history from here on, as after a restore. What came before is in both. */
  beginGeneration(): void {
    this.generation++;
    for (const log of this.logs.values()) log.restoredRev = log.rev;
  }

  /** Stores as another owner would: under the next revision, whatever the events name. */
  write(conversationId: string, events: readonly Event[]): void {
    const log = this.logs.get(conversationId)!;
    storeEvents(log, log.rev + 1, events);
  }

  /** Returns the next number of the user's private state. */
  nextOwnRev(userId: string): number {
    const ownRev = (this.ownRevs.get(userId) ?? 0) + 1;
    this.ownRevs.set(userId, ownRev);
    return ownRev;
  }

  /** Returns the row of two users, which is made where there is none. */
  pairOf(one: string, other: string): Pair {
    const [lowId, highId] = one < other ? [one, other] : [other, one];
    const key = pairKey(one, other);
    const pair = this.pairs.get(key) ?? {
      lowId,
      highId,
      lowBlocksSinceUs: null,
      highBlocksSinceUs: null,
      isPending: false,
    };
    this.pairs.set(key, pair);
    return pair;
  }

  hasBlocked(blockerId: string, blockedId: string): boolean {
    const pair = this.pairs.get(pairKey(blockerId, blockedId));
    if (!pair) return false;
    return (blockerId === pair.lowId ? pair.lowBlocksSinceUs : pair.highBlocksSinceUs) !== null;
  }

  /** Returns the users who have blocked this one or are blocked by them. */
  apartFrom(userId: string | null): string[] {
    return [...this.pairs.values()].flatMap(({ lowId, highId, lowBlocksSinceUs, highBlocksSinceUs }) => {
      if (lowBlocksSinceUs === null && highBlocksSinceUs === null) return [];
      if (userId === lowId) return [highId];
      return userId === highId ? [lowId] : [];
    });
  }

  /** Whether `otherId` has accepted a conversation in which `userId` is a member. */
  isKnown(userId: string, otherId: string): boolean {
    return this.logsOf(userId).some(({ members }) => {
      const other = members.get(otherId);
      return other?.leftSeq === null && other.pending === undefined;
    });
  }
}

function pairKey(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
