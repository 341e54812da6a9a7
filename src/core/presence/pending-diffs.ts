import { type Online, type PresenceDiff, sentOneByOne } from "../ports/presence.ts";

/** A user who may change again before it is told. Null: he is not to be seen. */
export interface Seen {
  readonly shown: Online | null;
}

interface Change {
  /** What was told of him. */
  readonly was: Online | null;
  /** Null: he is seen there no longer. */
  now: Seen | null;
  /** To be told even if nothing changed. */
  isAgain: boolean;
}

/** What is told at once: one socket may hear all of it. */
export interface MostDiffs {
  readonly conversations: number;
  /** Counted in each of their conversations, and twice where they are sent one by one: the frames around them weigh as much. */
  readonly users: number;
}

/** What is to be told of presence, gathered per conversation: what came and went meanwhile is nothing. Kept only where somebody listens. */
export class PendingDiffs {
  readonly #listensTo: (conversationId: string) => boolean;
  /** By conversation, in the order of their first change; then by user. */
  readonly #changes = new Map<string, Map<string, Change>>();

  constructor(options: { readonly listensTo: (conversationId: string) => boolean }) {
    this.#listensTo = options.listensTo;
  }

  get size(): number {
    return this.#changes.size;
  }

  /** `was`: as he was seen before, which counts unless there is an earlier change that is not told. */
  note(conversationId: string, userId: string, { was, now }: Omit<Change, "isAgain">): void {
    const changes = this.#changes.get(conversationId) ?? this.#begin(conversationId);
    const change = changes?.get(userId);
    if (change) change.now = now;
    else changes?.set(userId, { was, now, isAgain: false });
  }

  /** He is seen there as before, and that is to be said again, behind all that is to be told so far. */
  repeat(conversationId: string, userId: string, now: Seen): void {
    const changes = this.#changes.get(conversationId) ?? this.#begin(conversationId);
    if (!changes) return;
    const change = changes.get(userId);
    if (change) change.isAgain = true;
    else changes.set(userId, { was: now.shown, now, isAgain: true });
    this.#changes.delete(conversationId);
    this.#changes.set(conversationId, changes);
  }

  /**
   * Those of the users who are shown there as all who listen were told: who begins to listen with that, and hears what they hear, comes to
   * know what they know, whatever happens before it is told.
   */
  asTold(conversationId: string, users: readonly (Seen & { readonly userId: string })[]): readonly Online[] {
    const changes = this.#changes.get(conversationId);
    const settled = changes ? users.filter(({ userId }) => !changes.has(userId)) : users;
    const changing = [...(changes?.values() ?? [])];
    return [...settled.map(({ shown }) => shown), ...changing.map(({ was }) => was)].filter(
      (each) => each !== null,
    );
  }

  /** In the order of their first change. */
  take(most: MostDiffs): readonly PresenceDiff[] {
    const taken = this.#first(most);
    for (const [conversationId] of taken) this.#changes.delete(conversationId);
    return taken.map(([conversationId, changes]) => this.#diffOf(conversationId, changes)).filter(isAnything);
  }

  /** One at least, however large. */
  #first(most: MostDiffs): readonly (readonly [string, ReadonlyMap<string, Change>])[] {
    const first: (readonly [string, ReadonlyMap<string, Change>])[] = [];
    let users = 0;
    for (const [conversationId, changes] of this.#changes) {
      users += changes.size > sentOneByOne ? changes.size : 2 * changes.size;
      if (first.length === most.conversations || (first.length > 0 && users > most.users)) break;
      first.push([conversationId, changes]);
    }
    return first;
  }

  clear(): void {
    this.#changes.clear();
  }

  #begin(conversationId: string): Map<string, Change> | null {
    if (!this.#listensTo(conversationId)) return null;
    const changes = new Map<string, Change>();
    this.#changes.set(conversationId, changes);
    return changes;
  }

  /** A client would keep the old one beside one of another name, and nobody may be in both: who came back goes first, and comes with the next diff. */
  #diffOf(conversationId: string, changes: ReadonlyMap<string, Change>): PresenceDiff {
    const joins: Online[] = [];
    const leaves: Online[] = [];
    for (const [userId, { was, now, isAgain }] of changes) {
      const is = now?.shown ?? null;
      if (is === was && !(is && isAgain)) continue;
      if (is && (!was || is.ref === was.ref)) joins.push(is);
      else leaves.push(was!);
      if (is && was && is.ref !== was.ref) this.note(conversationId, userId, { was: null, now });
    }
    return { conversationId, joins, leaves };
  }
}

function isAnything({ joins, leaves }: PresenceDiff): boolean {
  return joins.length > 0 || leaves.length > 0;
}
