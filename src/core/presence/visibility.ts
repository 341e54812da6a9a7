import type { Member } from "../conversations/conversation.ts";

/**
 * The only place that decides who sees when a user is online, was online last, and types.
 *
 * 1. A member shows in a conversation when they have chosen to be in it: they created it, did something there that others see, or accepted
 *    it (`participants`). With `members`, every member shows except those who are asked first.
 * 2. If one of two users has blocked the other, nothing shows between them in any conversation.
 */
export type PresenceShownTo = "participants" | "members";

/** The first rule. */
export function isShown({ pending }: Pick<Member, "pending">, shownTo: PresenceShownTo): boolean {
  return pending === undefined || (pending === "added" && shownTo === "members");
}

/** Both rules, with what they need to know. */
export class Visibility {
  readonly blocked = new Blocked();
  readonly #shownTo: PresenceShownTo;

  constructor(options: { readonly shownTo: PresenceShownTo }) {
    this.#shownTo = options.shownTo;
  }

  shows(member: Pick<Member, "pending">): boolean {
    return isShown(member, this.#shownTo);
  }

  /** Returns whether the viewer sees when a member is, or was, online. Users see their own. `isApart`: as it is stored. */
  maySee(viewerId: string, member: Pick<Member, "userId" | "pending"> & Pick<Apart, "isApart">): boolean {
    return viewerId === member.userId || (!member.isApart && this.shows(member));
  }
}

/** A pair of users, and whether one of them has blocked the other. */
export interface Apart {
  readonly lowId: string;
  readonly highId: string;
  readonly isApart: boolean;
}

/**
 * The most users whose blocks are remembered. Those who joined, or were blocked, the longest ago are forgotten: each of their joins reads
 * their blocks again.
 */
const maxUsers = 200_000;
/** How long a change overrides what a join has read: no read takes longer. Milliseconds. */
const changesLastMs = 60_000;
const maxChanges = 10_000;

const nobody: ReadonlySet<string> = new Set();

/** The second rule: the blocks of users who are online here, both ways. `nowMs`: monotonic. */
export class Blocked {
  /** By user, the newest last. */
  readonly #apart = new Map<string, Set<string>>();
  /** By pair, in the order of the changes. */
  readonly #changes = new Map<string, Apart & { readonly atMs: number }>();
  readonly #maxUsers: number;

  /** `most`: for tests. */
  constructor({ most = maxUsers }: { readonly most?: number } = {}) {
    this.#maxUsers = most;
  }

  /** Returns the users who must not see this user, and whom this user must not see: they are the same. */
  of(userId: string): ReadonlySet<string> {
    return this.#apart.get(userId) ?? nobody;
  }

  areApart(userId: string, otherId: string): boolean {
    return this.#apart.get(userId)?.has(otherId) ?? false;
  }

  /** Replaces the blocks of a user by those that a join has read. Recent changes override them: the read may be older. */
  learn(userId: string, otherIds: readonly string[], nowMs: number): void {
    if (otherIds.length === 0 && !this.#apart.has(userId) && this.#changes.size === 0) return;
    this.#expire(nowMs);
    const others = new Set(otherIds);
    for (const known of [...this.of(userId)]) if (!others.has(known)) this.#unite(userId, known);
    for (const otherId of others) this.#part(userId, otherId);
    for (const change of this.#changes.values())
      if (change.lowId === userId || change.highId === userId) this.#apply(change);
  }

  changed({ lowId, highId, isApart }: Apart, nowMs: number): void {
    this.#expire(nowMs);
    const key = `${lowId} ${highId}`;
    this.#changes.delete(key);
    this.#changes.set(key, { lowId, highId, isApart, atMs: nowMs });
    this.#apply({ lowId, highId, isApart });
  }

  #apply({ lowId, highId, isApart }: Apart): void {
    if (isApart) this.#part(lowId, highId);
    else this.#unite(lowId, highId);
  }

  #part(userId: string, otherId: string): void {
    this.#setOf(userId).add(otherId);
    this.#setOf(otherId).add(userId);
  }

  #unite(userId: string, otherId: string): void {
    this.#remove(userId, otherId);
    this.#remove(otherId, userId);
  }

  #remove(userId: string, otherId: string): void {
    const others = this.#apart.get(userId);
    others?.delete(otherId);
    if (others?.size === 0) this.#apart.delete(userId);
  }

  /** They are the newest from now on. */
  #setOf(userId: string): Set<string> {
    const others = this.#apart.get(userId) ?? new Set<string>();
    this.#apart.delete(userId);
    if (this.#apart.size >= this.#maxUsers) this.#forgetOldest();
    this.#apart.set(userId, others);
    return others;
  }

  #forgetOldest(): void {
    for (const userId of this.#apart.keys()) return void this.#apart.delete(userId);
  }

  #expire(nowMs: number): void {
    for (const [key, { atMs }] of this.#changes) {
      if (nowMs - atMs < changesLastMs && this.#changes.size <= maxChanges) return;
      this.#changes.delete(key);
    }
  }
}
