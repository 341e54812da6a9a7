import type { Member } from "../../core/conversations/conversation.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeliveryReads } from "../../core/ports/delivery-reads.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { allShards, shardOf } from "../../core/ports/ownership.ts";
import type { ChangeFrame, Subscription } from "../../core/ports/pubsub.ts";
import { Forwarded, type Known, unknownRev } from "./forwarded.ts";
import {
  GapReader,
  isWhole,
  type MembersOf,
  resolveReached,
  resolveWaiters,
  type WholeFrame,
  wait,
  wholeOf,
} from "./gap-reader.ts";
import { KeptMembers } from "./kept-members.ts";

/** The heads that a join was answered with. */
export type Heads = readonly { readonly conversationId: string; readonly headRev: number }[];

const headsAtOnce = 1_000;
/** How long a join waits for the frame of what it was answered with; the outcome of a commit can stay unknown for longer. */
const longestWaitMs = 2_000;

/**
 * Forwards the changes of conversations on this node: in the order of revisions, each once, without a gap. A frame that shows a gap waits until the
 * store has told what was missed; one that brings other members is preceded by `membersChanged`. What somebody listens to is never forgotten.
 */
export class Ordering {
  readonly #reads: DeliveryReads;
  readonly #tell: (frame: WholeFrame, isLate: boolean) => void;
  readonly #membersChanged: (conversationId: string, members: ReadonlyMap<string, Member>) => void;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #forwarded: Forwarded;
  readonly #gaps: GapReader;
  readonly #kept = new KeptMembers();
  /** Null: no heads are being compared. */
  #comparing: Promise<void> | null = null;
  /** Conversations of which heads are to be compared. */
  #toCompare = new Set<string>();

  constructor(options: {
    readonly reads: DeliveryReads;
    /** `isLate`: others may have become members since. They must not hear it. */
    readonly tell: (frame: WholeFrame, isLate: boolean) => void;
    /** All others hear nothing from here on. */
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
    this.#gaps = new GapReader({
      ...options,
      forwarded: this.#forwarded,
      kept: this.#kept,
      changeMembers: (known, members) => this.#changeMembers(known, members),
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

  /** Compares the head once the subscription is confirmed: what was published before may be missed. */
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

  /** No socket is on the user's topic any more, or joining it. */
  userUnheard(userId: string): void {
    this.#forwarded.joinEnded(userId);
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
        if (known.waiters.includes(waiter)) this.#gaps.readMissed(known);
      });
    });
  }

  /** The revision of the newest members that were heard of; -1: none were. */
  membersRevOf(conversationId: string): number {
    return this.#forwarded.of(conversationId)?.membersRev ?? -1;
  }

  /** How many members are known of it; 1: none are. */
  membersKnown(conversationId: string): number {
    return this.#forwarded.of(conversationId)?.members?.size ?? 1;
  }

  forward(frame: ChangeFrame): void {
    // Where nothing is known of what came before, it is taken as it is.
    const known = this.#forwarded.from(frame.conversationId, frame.rev - 1);
    if (isWhole(frame) && known.membersRev !== frame.membersRev) this.#changeMembers(known, frame);
    if (known.repair) return wait(known.repair, frame);
    if (frame.rev <= known.rev) return;
    const members = frame.members ?? membersFor(known, frame);
    if (frame.rev > known.rev + 1)
      return this.#gaps.readGap(known, { waiting: [frame], isIncomplete: false, members });
    if (!members) return this.#gaps.readMembers(known, frame);
    known.rev = frame.rev;
    this.#tell(isWhole(frame) ? frame : wholeOf(frame, members), known.membersRev > frame.membersRev);
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
    this.#comparing ??= this.#compareAll();
    return this.#comparing;
  }

  /** Ends in the turn in which nothing is left: what is added later begins another comparison. */
  async #compareAll(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#toCompare.size > 0) {
        const some = [...this.#toCompare].slice(0, headsAtOnce);
        for (const id of some) this.#toCompare.delete(id);
        await this.#compareSome(some);
      }
    } finally {
      this.#comparing = null;
    }
  }

  /** The store has another history: nothing that was forwarded says anything of it. Sockets must be closed by then. */
  forgetAll(): void {
    for (const known of this.#forwarded.clear()) resolveWaiters(known, () => true);
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#gaps.stop();
  }

  /** A frame that comes late must not bring back members of before. */
  #changeMembers(known: Known, { conversationId, membersRev, members }: MembersOf): void {
    if (membersRev < known.membersRev) return;
    known.membersRev = membersRev;
    if (known.members) this.#kept.keep(known, members);
    if (known.repair) known.repair.members = members;
    this.#forwarded.admitted(known, members.keys());
    this.#membersChanged(conversationId, members);
  }

  async #compareSome(conversationIds: readonly string[]): Promise<void> {
    const heads = await this.#gaps.patiently(() => this.#reads.heads(conversationIds));
    for (const [conversationId, rev] of heads ?? []) {
      const known = this.#forwarded.of(conversationId);
      if (known?.rev === unknownRev) known.rev = rev;
      else if (known && known.rev < rev) this.#gaps.readMissed(known);
    }
  }
}

/** The members of the frame, or newer ones; null: they must be read. */
function membersFor(known: Known, { membersRev }: ChangeFrame): ReadonlyMap<string, Member> | null {
  return known.membersRev >= membersRev ? known.members : null;
}
