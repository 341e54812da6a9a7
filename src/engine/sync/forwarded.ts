import type { Member } from "../../core/conversations/conversation.ts";
import type { ChangeFrame, Subscription } from "../../core/ports/pubsub.ts";

/** The most conversations without listeners that are remembered. */
const maxUnheard = 200_000;
/** The most that are looked at to forget one. */
const looksToForget = 8;

/** Nothing is known of what was forwarded: what comes next is taken as it is. */
export const unknownRev = -1;

/** How far a conversation was forwarded, with its members. */
export interface Known {
  readonly conversationId: string;
  rev: number;
  /** The revision of the newest members that are known; -1: none are. */
  membersRev: number;
  /** Those members, once frames came without them: then other nodes publish what happens here. Null: not kept. */
  members: ReadonlyMap<string, Member> | null;
  /** Users of this node who hear it on their own topic. */
  listeners: number;
  /** The subscription for these listeners. Null: there are none. */
  subscription: Subscription | null;
  /** Null: there is no gap. */
  repair: Repair | null;
  /** Joins that were answered with what is not forwarded yet. */
  waiters: readonly Waiter[];
}

export interface Waiter {
  readonly rev: number;
  readonly go: () => void;
  /** It has waited for long enough: when the store was read once more, there is nothing to wait for. */
  isOverdue: boolean;
}

/** A gap that is being read. */
export interface Repair {
  /** Frames that wait for it. */
  waiting: ChangeFrame[];
  /** More may have happened than the frames that wait say. */
  isIncomplete: boolean;
  /** The newest members that are known; null: they must be read. */
  members: ReadonlyMap<string, Member> | null;
}

/** A user who is on their topic, with the conversations that they hear there. */
interface Listener {
  /** 0: their first join is in flight. */
  sockets: number;
  readonly conversations: Known[];
}

/**
 * How far each conversation was forwarded on this node. What somebody listens to is never forgotten: a revision that is not known any more
 * would be taken from a join, which may be ahead of the frames. Bounded by the memberships of the users who listen, and 200,000 others.
 */
export class Forwarded {
  readonly #isTopicHeard: (conversationId: string) => boolean;
  readonly #isUserHeard: (userId: string) => boolean;
  readonly #subscribe: (conversationId: string) => Subscription;
  readonly #maxUnheard: number;
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Map<string, Listener>();

  constructor(options: {
    /** Whether a socket is on the conversation's own topic. */
    readonly isTopicHeard: (conversationId: string) => boolean;
    /** Whether a socket is on the user's topic, or is joining it. */
    readonly isUserHeard: (userId: string) => boolean;
    /** Asks for the frames of a conversation that users begin to hear on their own topics. */
    readonly subscribe: (conversationId: string) => Subscription;
    /** For tests. */
    readonly maxUnheard?: number;
  }) {
    this.#isTopicHeard = options.isTopicHeard;
    this.#isUserHeard = options.isUserHeard;
    this.#subscribe = options.subscribe;
    this.#maxUnheard = options.maxUnheard ?? maxUnheard;
  }

  get size(): number {
    return this.#known.size;
  }

  of(conversationId: string): Known | undefined {
    return this.#known.get(conversationId);
  }

  is(conversationId: string, known: Known): boolean {
    return this.#known.get(conversationId) === known;
  }

  /** Returns what is known of it. Where nothing is, it begins at this revision; a known revision is never raised. */
  from(conversationId: string, rev: number): Known {
    const known = this.#known.get(conversationId);
    if (known?.rev === unknownRev) known.rev = rev;
    if (known) return known;
    const first: Known = {
      conversationId,
      rev,
      membersRev: -1,
      members: null,
      listeners: 0,
      subscription: null,
      repair: null,
      waiters: [],
    };
    if (this.#known.size >= this.#maxUnheard) this.#forgetSome();
    this.#known.set(conversationId, first);
    return first;
  }

  forget(conversationId: string): void {
    this.#known.delete(conversationId);
  }

  /** Forgets what nobody listens to: it is taken anew from the next join or frame. */
  forgetUnheard(): void {
    for (const known of this.#known.values()) this.forgetIfUnheard(known);
  }

  /** Forgets everything, and who listens. Returns what was known. */
  clear(): readonly Known[] {
    const known = [...this.#known.values()];
    for (const { subscription } of known) subscription?.release();
    this.#known.clear();
    this.#listeners.clear();
    return known;
  }

  /** As `forgetUnheard`, of one conversation. A gap that is being read is not told then, and joins that wait have ended. */
  forgetIfUnheard(known: Known): void {
    const { conversationId } = known;
    if (this.is(conversationId, known) && !this.#isHeard(conversationId, known))
      this.#known.delete(conversationId);
  }

  heard(): readonly string[] {
    return [...this.#known].filter(([id, known]) => this.#isHeard(id, known)).map(([id]) => id);
  }

  /** A socket of the user is on their topic, answered with these revisions. Balanced by `left`. */
  joined(
    userId: string,
    heads: readonly { readonly conversationId: string; readonly headRev: number }[],
  ): void {
    const listener = this.#listeners.get(userId) ?? { sockets: 0, conversations: [] };
    this.#listeners.set(userId, listener);
    listener.sockets++;
    const already = new Set(listener.conversations);
    for (const { conversationId, headRev } of heads) {
      const known = this.from(conversationId, headRev);
      if (!already.has(known)) this.#listen(listener, known);
    }
  }

  left(userId: string): void {
    const listener = this.#listeners.get(userId);
    if (!listener || --listener.sockets > 0) return;
    this.#listeners.delete(userId);
    for (const known of listener.conversations) this.#unlisten(known);
  }

  /** No join of the user is in flight any more. Where none was accepted, nobody hears what was to be heard by it. */
  joinEnded(userId: string): void {
    if (this.#listeners.get(userId)?.sockets === 0) this.left(userId);
  }

  /** These are members; those among them who are on their topic listen. */
  admitted(known: Known, userIds: Iterable<string>): void {
    for (const userId of userIds) {
      const listener = this.#listenerOf(userId);
      if (listener && !listener.conversations.includes(known)) this.#listen(listener, known);
    }
  }

  /** Also finds users whose join is in flight: what the join has read may be from before they became members. */
  #listenerOf(userId: string): Listener | undefined {
    const listener = this.#listeners.get(userId);
    if (listener || !this.#isUserHeard(userId)) return listener;
    const joining: Listener = { sockets: 0, conversations: [] };
    this.#listeners.set(userId, joining);
    return joining;
  }

  #listen(listener: Listener, known: Known): void {
    listener.conversations.push(known);
    if (known.listeners++ === 0) known.subscription = this.#subscribe(known.conversationId);
  }

  #unlisten(known: Known): void {
    if (--known.listeners > 0 || !known.subscription) return;
    const { confirmed } = known.subscription;
    known.subscription.release();
    known.subscription = null;
    // From now on, frames of other nodes need not arrive.
    if (confirmed) this.forgetIfUnheard(known);
  }

  #isHeard(conversationId: string, known: Known): boolean {
    return known.listeners > 0 || this.#isTopicHeard(conversationId);
  }

  /** Up to two of the oldest, so that the number shrinks to the bound again; what must stay goes to the end. */
  #forgetSome(): void {
    let forgotten = 0;
    const oldest = this.#known.entries();
    for (let look = 0; look < looksToForget && forgotten < 2; look++) {
      const next = oldest.next();
      if (next.done) return;
      const [conversationId, known] = next.value;
      this.#known.delete(conversationId);
      if (known.repair || known.waiters.length > 0 || this.#isHeard(conversationId, known))
        this.#known.set(conversationId, known);
      else forgotten++;
    }
  }
}
