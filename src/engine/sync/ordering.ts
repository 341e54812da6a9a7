import type { Member } from "../../core/conversations/conversation.ts";
import { type Clock, pause } from "../../core/ports/clock.ts";
import type { DeliveryReads } from "../../core/ports/delivery-reads.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { allShards, shardOf } from "../../core/ports/ownership.ts";
import type { ChangeFrame, Subscription } from "../../core/ports/pubsub.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import { eventsByRev, membersAt } from "./changes-as-events.ts";
import { Forwarded, type Known, type Repair, unknownRev, type Waiter } from "./forwarded.ts";
import { rowsForMembers, waitingForMembers } from "./repair-bounds.ts";

/** What joins were answered with. */
export type Heads = readonly { readonly conversationId: string; readonly headRev: number }[];

const headsAtOnce = 1_000;
const retryPauseMs = 200;
/** After an error that asking again will hardly mend. */
const bugPauseMs = 5_000;
/** How long a join waits for the frame of what it was answered with; the outcome of a commit can stay unknown for longer. */
const longestWaitMs = 2_000;

/**
 * What this node forwards of a conversation: in the order of revisions, each once, without a gap. A frame that shows a gap waits until the
 * store has told what was missed; one that brings other members is preceded by `membersChanged`. What somebody listens to is never forgotten.
 */
export class Ordering {
  readonly #reads: DeliveryReads;
  readonly #tell: (frame: ChangeFrame, isLate: boolean) => void;
  readonly #membersChanged: (conversationId: string, members: ReadonlyMap<string, Member>) => void;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #forwarded: Forwarded;
  #stopped = false;
  /** Null: no heads are being compared. */
  #comparing: Promise<void> | null = null;
  /** Conversations of which heads are to be compared. */
  #toCompare = new Set<string>();

  constructor(options: {
    readonly reads: DeliveryReads;
    /** Late: meanwhile others may have become members, who are not to hear of it. */
    readonly tell: (frame: ChangeFrame, isLate: boolean) => void;
    /** Who is not among them hears nothing from here on. */
    readonly membersChanged: (conversationId: string, members: ReadonlyMap<string, Member>) => void;
    /** Whether a socket is on the conversation's own topic. */
    readonly isTopicHeard: (conversationId: string) => boolean;
    /** Whether a socket is on the user's topic, or is joining it. */
    readonly isUserHeard: (userId: string) => boolean;
    /** Asks for the frames of a conversation that users begin to hear on their own topics. */
    readonly subscribe: (conversationId: string) => Subscription;
    readonly clock: Clock;
    readonly observer: Observer;
    /** For tests. */
    readonly maxUnheard?: number;
  }) {
    this.#reads = options.reads;
    this.#tell = options.tell;
    this.#membersChanged = options.membersChanged;
    this.#forwarded = new Forwarded({
      ...options,
      subscribe: (conversationId) => this.#subscribe(options.subscribe, conversationId),
    });
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** A join was answered at this revision: what comes next must follow it. Never raises what is known. */
  joined(conversationId: string, rev: number): void {
    this.#forwarded.from(conversationId, rev);
  }

  /**
   * A socket is on its user's topic, answered at these revisions. Balanced by `userLeft`. Null, or what resolves when nothing of what happened
   * since these revisions is missed any more: what was published before the subscriptions were confirmed is read.
   */
  userJoined(userId: string, heads: Heads): Promise<void> | null {
    this.#forwarded.joined(userId, heads);
    const pending: Promise<void>[] = [];
    for (const { conversationId } of heads) {
      const confirmed = this.#forwarded.of(conversationId)?.subscription?.confirmed;
      if (confirmed) pending.push(confirmed);
    }
    if (pending.length === 0) return null;
    return Promise.all(pending).then(() => this.#compare([]));
  }

  /** What was published before the subscription is confirmed may be missed. */
  #subscribe(subscribe: (conversationId: string) => Subscription, conversationId: string): Subscription {
    const subscription = subscribe(conversationId);
    subscription.confirmed
      ?.then(() => this.#compare([conversationId]))
      .catch((error) => this.#observer.bug("comparing heads", error));
    return subscription;
  }

  userLeft(userId: string): void {
    this.#forwarded.left(userId);
  }

  /** Nobody listens to the conversation's own topic any more, and what others publish of it need not arrive. */
  unheard(conversationId: string): void {
    const known = this.#forwarded.of(conversationId);
    if (known) this.#forwarded.forgetIfUnheard(known);
  }

  /** As `unheard`, of all conversations that nobody listens to. */
  forgetUnheard(): void {
    this.#forwarded.forgetUnheard();
  }

  /** A conversation was made with these members. */
  created(conversationId: string, memberIds: readonly string[]): void {
    this.#forwarded.admitted(this.#forwarded.from(conversationId, 0), memberIds);
  }

  /**
   * Null, or what resolves when everything up to this revision was forwarded here: a read can see a commit before its owner publishes it, and
   * what a join was answered with must not come again after it. What has not come after two seconds is read from the store.
   */
  reached(conversationId: string, rev: number): Promise<void> | null {
    const known = this.#forwarded.of(conversationId);
    if (!known || known.rev === unknownRev || known.rev >= rev) return null;
    return new Promise((resolve) => {
      const waiter = { rev, go: resolve, isOverdue: false };
      known.waiters = [...known.waiters, waiter];
      this.#clock.after(longestWaitMs, () => {
        waiter.isOverdue = true;
        if (known.waiters.includes(waiter)) this.#readMissed(conversationId, known);
      });
    });
  }

  /** The revision of the newest members that were heard of; -1: none were. */
  membersRevOf(conversationId: string): number {
    return this.#forwarded.of(conversationId)?.membersRev ?? -1;
  }

  forward(frame: ChangeFrame): void {
    // Where nothing is known of what came before, it is taken as it is.
    const known = this.#forwarded.from(frame.conversationId, frame.rev - 1);
    if (known.membersRev !== frame.membersRev) this.#changeMembers(known, frame);
    if (known.repair) return wait(known.repair, frame);
    if (frame.rev <= known.rev) return;
    if (frame.rev > known.rev + 1) {
      const repair = { waiting: [frame], isIncomplete: false, members: frame.members };
      return this.#repair(frame.conversationId, known, repair);
    }
    known.rev = frame.rev;
    this.#tell(frame, false);
    if (known.waiters.length > 0) resolveReached(known);
  }

  /**
   * Frames of these shards may have been missed: forgets what nobody listens to, compares the heads of what somebody listens to with what was
   * forwarded, 1,000 a query, and reads what is missing. Goes on until the store has answered.
   */
  compareHeads(shards: ReadonlySet<number> = allShards): Promise<void> {
    this.#forwarded.forgetUnheard();
    return this.#compare(this.#forwarded.heard().filter((id) => shards.has(shardOf(id))));
  }

  #compare(conversationIds: readonly string[]): Promise<void> {
    for (const id of conversationIds) this.#toCompare.add(id);
    this.#comparing ??= this.#compareAll().finally(() => {
      this.#comparing = null;
    });
    return this.#comparing;
  }

  async #compareAll(): Promise<void> {
    while (this.#toCompare.size > 0) {
      const some = [...this.#toCompare].slice(0, headsAtOnce);
      for (const id of some) this.#toCompare.delete(id);
      await this.#compareSome(some);
    }
  }

  /** The store has another history: nothing that was forwarded says anything of it. Sockets must be closed by then. */
  forgetAll(): void {
    for (const known of this.#forwarded.clear()) resolveWaiters(known, () => true);
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** A frame that comes late must not bring back members of before. */
  #changeMembers(
    known: Known,
    { conversationId, membersRev, members }: Pick<ChangeFrame, "conversationId" | "membersRev" | "members">,
  ): void {
    if (membersRev < known.membersRev) return;
    known.membersRev = membersRev;
    if (known.repair) known.repair.members = members;
    this.#forwarded.admitted(known, members.keys());
    this.#membersChanged(conversationId, members);
  }

  async #compareSome(conversationIds: readonly string[]): Promise<void> {
    const heads = await this.#patiently(() => this.#reads.heads(conversationIds));
    for (const [conversationId, rev] of heads ?? []) {
      const known = this.#forwarded.of(conversationId);
      if (known?.rev === unknownRev) known.rev = rev;
      else if (known && known.rev < rev) this.#readMissed(conversationId, known);
    }
  }

  /** What was missed showed without a frame. */
  #readMissed(conversationId: string, known: Known): void {
    if (known.repair) known.repair.isIncomplete = true;
    else this.#repair(conversationId, known, { waiting: [], isIncomplete: true, members: null });
  }

  #repair(conversationId: string, known: Known, repair: Repair): void {
    known.repair = repair;
    this.#observer.note("frames_missed", { conversation_id: conversationId });
    this.#readGap(conversationId, known, repair).catch((error) => {
      this.#observer.bug("reading missed frames", error);
      known.repair = null;
      known.rev = unknownRev;
      resolveWaiters(known, () => true);
    });
  }

  /**
   * Until the store has told everything up to the frames that wait, and these are forwarded. Ends only at a head: members that are known are
   * then of no later revision than what was forwarded. Ends also when the conversation was forgotten meanwhile.
   */
  async #readGap(conversationId: string, known: Known, repair: Repair): Promise<void> {
    const isWanted = () => this.#forwarded.is(conversationId, known) && !this.#stopped;
    do {
      repair.isIncomplete = false;
      const { rev } = known;
      const changes = await this.#patiently(() => this.#readOnce(conversationId, known, repair));
      if (!isWanted()) return resolveWaiters(known, () => true);
      if (!changes) {
        this.#forwarded.forget(conversationId);
        return resolveWaiters(known, () => true);
      }
      this.#tellChanges(known, repair, changes);
      if (changes.hasMore) repair.isIncomplete = true;
      else this.#tellWaiting(known, repair);
      resolveReached(known);
      if (known.rev === rev && hasMore(repair)) await pause(this.#clock, retryPauseMs);
    } while (hasMore(repair) && isWanted());
    known.repair = null;
    resolveWaiters(known, ({ isOverdue }) => isOverdue);
  }

  /** Null: there is no such conversation any more. */
  async #readOnce(conversationId: string, known: Known, repair: Repair): Promise<Changes | null> {
    if (!repair.members) {
      const present = await this.#reads.members(conversationId);
      if (!present) return null;
      if (!repair.members) this.#changeMembers(known, { conversationId, ...present });
      repair.members ??= present.members;
    }
    const question = {
      conversationId,
      viewerId: null,
      sinceRev: known.rev,
      sinceSeq: null,
      generation: null,
      limit: rowsForMembers(repair.members.size),
    };
    return (await this.#reads.changes([question]))[0]!;
  }

  /** Up to the next gap. */
  #tellWaiting(known: Known, repair: Repair): void {
    repair.waiting.sort((one, other) => one.rev - other.rev);
    const ahead = repair.waiting.findIndex((frame) => {
      if (frame.rev > known.rev + 1) return true;
      if (frame.rev === known.rev + 1) {
        known.rev = frame.rev;
        this.#tell(frame, true);
      }
      return false;
    });
    repair.waiting = ahead < 0 ? [] : repair.waiting.slice(ahead);
  }

  #tellChanges(known: Known, repair: Repair, changes: Changes): void {
    const { conversationId } = changes;
    this.#learnMembers(known, repair, changes);
    const { membersRev } = known;
    for (const [rev, events] of eventsByRev(changes, known.rev)) {
      const members = membersAt(repair.members!, rev);
      this.#tell({ type: "changes", conversationId, rev, membersRev, members, events }, true);
    }
    known.rev = Math.max(known.rev, changes.next.rev);
  }

  /** The store may know of members that no frame has told of yet. */
  #learnMembers(known: Known, repair: Repair, { conversationId, members: records }: Changes): void {
    const newer = records.filter((record) => record.rev > known.membersRev);
    if (newer.length === 0) return;
    const members = new Map(repair.members);
    for (const record of newer) {
      if (record.leftSeq === null) members.set(record.userId, record);
      else members.delete(record.userId);
    }
    const membersRev = Math.max(...newer.map((record) => record.rev));
    this.#changeMembers(known, { conversationId, membersRev, members });
  }

  /** Asks again until the store answers. Null: this was stopped. */
  async #patiently<T>(read: () => Promise<T>): Promise<T | null> {
    while (!this.#stopped) {
      try {
        return await read();
      } catch (error) {
        this.#observer.warn("missed_frames_unreadable", { reason: String(error) });
        await pause(this.#clock, error instanceof StoreUnavailable ? retryPauseMs : bugPauseMs);
      }
    }
    return null;
  }
}

/** Those whose revision was forwarded. */
function resolveReached(known: Known): void {
  resolveWaiters(known, ({ rev }) => rev <= known.rev);
}

function resolveWaiters(known: Known, which: (waiter: Waiter) => boolean): void {
  const resolved = known.waiters.filter(which);
  known.waiters = known.waiters.filter((waiter) => !which(waiter));
  for (const { go } of resolved) go();
}

function hasMore({ waiting, isIncomplete }: Repair): boolean {
  return waiting.length > 0 || isIncomplete;
}

function wait(repair: Repair, frame: ChangeFrame): void {
  if (repair.waiting.length >= waitingForMembers(frame.members.size)) {
    repair.waiting = [];
    repair.isIncomplete = true;
  }
  repair.waiting.push(frame);
}
