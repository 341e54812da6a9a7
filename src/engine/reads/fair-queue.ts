/** The decision on the item that is next in its user's queue. */
export type Verdict = "take" | "not_now" | "full";

/**
 * A bounded queue that serves users in turn: one item of each per round, in the order of arrival within a user. What one user
 * queues does not delay another.
 *
 * Bound: a user may hold at most as many places as are free afterwards. One user alone gets half of them, two get a third
 * each: there is always a place for a user who has none.
 */
export class FairQueue<Item> {
  readonly #maxSize: number;
  readonly #maxLightWeight: number;
  readonly #weigh: (item: Item) => number;
  /** The order of the map is the order of service. No queue in it is empty. */
  readonly #queues = new Map<string, UserQueue<Item>>();
  #size = 0;
  #heavyUsers = 0;

  constructor(options: {
    readonly maxSize: number;
    readonly weigh: (item: Item) => number;
    /** A user with more than this queued is heavy. Default: nobody is. */
    readonly maxLightWeight?: number;
  }) {
    this.#maxSize = options.maxSize;
    this.#maxLightWeight = options.maxLightWeight ?? Number.POSITIVE_INFINITY;
    this.#weigh = options.weigh;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(user: string): number {
    const queue = this.#queues.get(user);
    return queue ? queue.items.length - queue.next : 0;
  }

  get hasHeavyUsers(): boolean {
    return this.#heavyUsers > 0;
  }

  isHeavy(user: string): boolean {
    return this.#heavyUsers > 0 && (this.#queues.get(user)?.weight ?? 0) > this.#maxLightWeight;
  }

  /** Returns whether the user may queue one more; `others` places are used elsewhere. */
  hasRoomFor(user: string, others = 0): boolean {
    return this.sizeOf(user) < this.#maxSize - this.#size - others;
  }

  push(user: string, item: Item): void {
    let queue = this.#queues.get(user);
    if (!queue) {
      queue = { items: [], next: 0, weight: 0 };
      this.#queues.set(user, queue);
    }
    queue.items.push(item);
    this.#addWeight(queue, this.#weigh(item));
    this.#size++;
  }

  /**
   * Takes items of the users for whom `serves` holds as they are reached first, in turn, as far as `judge` lets it. A user who
   * got one goes to the end, where this comes to them again in the next round.
   */
  take(serves: (user: string) => boolean, judge: (item: Item, user: string) => Verdict): Item[] {
    const taken: Item[] = [];
    const served = new Set<string>();
    for (const [user, queue] of this.#queues) {
      if (!served.has(user) && !serves(user)) continue;
      const item = queue.items[queue.next]!;
      const verdict = judge(item, user);
      if (verdict === "full") break;
      if (verdict === "not_now") continue;
      served.add(user);
      taken.push(item);
      this.#shift(user, queue, item);
    }
    return taken;
  }

  #shift(user: string, queue: UserQueue<Item>, item: Item): void {
    queue.next++;
    this.#addWeight(queue, -this.#weigh(item));
    this.#size--;
    this.#queues.delete(user);
    if (queue.next === queue.items.length) return;
    if (queue.next > 64 && queue.next * 2 > queue.items.length) {
      queue.items.splice(0, queue.next);
      queue.next = 0;
    }
    this.#queues.set(user, queue);
  }

  #addWeight(queue: UserQueue<Item>, weight: number): void {
    const wasHeavy = queue.weight > this.#maxLightWeight;
    queue.weight += weight;
    const isHeavy = queue.weight > this.#maxLightWeight;
    if (isHeavy !== wasHeavy) this.#heavyUsers += isHeavy ? 1 : -1;
  }
}

interface UserQueue<Item> {
  readonly items: Item[];
  /** The place of the oldest item that was not taken. */
  next: number;
  weight: number;
}
