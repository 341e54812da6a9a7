import { type Online, type PresenceDiff, sentOneByOne } from "../ports/presence.ts";

/** A user who may change again before the diff is taken. `shown` is null: they do not show. */
export interface Seen {
  readonly shown: Online | null;
}

interface Change {
  /** As they were reported last. */
  readonly was: Online | null;
  /** Null: they no longer show there. */
  now: Seen | null;
  /** Reported again even if nothing changed. */
  isAgain: boolean;
}

/** The bounds of the diffs that are taken at once: one socket may receive all of them. */
export interface MostDiffs {
  readonly conversations: number;
  /** Counted in each of their conversations, and twice where they are sent one by one: the frames around them weigh as much. */
  readonly users: number;
}

/** Gathers the changes of presence per conversation. A user who came and went meanwhile is no change. Keeps only conversations that are listened to. */
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

  /** `was`: as they showed before. It counts unless an earlier change waits already. */
  note(conversationId: string, userId: string, { was, now }: Omit<Change, "isAgain">): void {
    const changes = this.#changes.get(conversationId) ?? this.#begin(conversationId);
    const change = changes?.get(userId);
    if (change) change.now = now;
    else changes?.set(userId, { was, now, isAgain: false });
  }

  /** Reports a user who shows there as before once more, behind everything that waits so far. */
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
   * Returns the users as they were last reported to the listeners of the conversation. A new listener who starts with these and receives the
   * next diffs knows what the other listeners know, also if users change before the next diff.
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

  /** Returns at least one, of any size. */
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

  /**
   * A user who came back under another `ref` leaves in this diff and joins in the next one: nobody may be in both lists, and without the leave
   * clients would keep the old `ref` beside the new one.
   */
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
