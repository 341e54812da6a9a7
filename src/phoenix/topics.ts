/** Which subscriptions listen to which topic on this node. Bounded by what the sockets hold: an empty topic is forgotten. */
import type { Position } from "./channel.ts";

/** A socket's place in a topic, as far as a broadcast is concerned. */
export interface Listener {
  readonly topic: string;
  /** Its client spells the topic in its own way, so native publishing does not reach it. */
  readonly isRespelled: boolean;
  /** Keeps a broadcast until the join or the backfill in flight has settled. Ends no listener. */
  hold(frame: string, position: Position | undefined): void;
}

class Listeners<L extends Listener> {
  readonly all = new Set<L>();
  /** Those that hear nothing yet: made only while there are any. */
  holding: Set<L> | undefined;
  /** Those whose clients spell the topic in their own way: made only when there is one. */
  respelled: Set<L> | undefined;
}

/** Learns which topics are heard on this node. Called on each first join and last end: must be cheap, and must not throw. */
export interface TopicListener {
  /** The first socket begins to join the topic. */
  heard(topic: string): void;
  /** No socket is on the topic any more, or joining it. */
  unheard(topic: string): void;
}

export class Topics<L extends Listener> {
  readonly #listeners = new Map<string, Listeners<L>>();
  readonly #told: TopicListener | undefined;

  constructor(told?: TopicListener) {
    this.#told = told;
  }

  has(topic: string): boolean {
    return this.#listeners.has(topic);
  }

  count(topic: string): number {
    return this.#listeners.get(topic)?.all.size ?? 0;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** A copy: subscriptions may be ended while it is walked. */
  listeners(topic: string): L[] {
    return [...(this.#listeners.get(topic)?.all ?? [])];
  }

  /** Not a copy: do not end subscriptions while walking it. */
  each(topic: string): Iterable<L> {
    return this.#listeners.get(topic)?.all ?? none;
  }

  /** Not a copy. Listeners that native publishing does not reach; some of them may be holding broadcasts. */
  respelled(topic: string): Iterable<L> {
    return this.#listeners.get(topic)?.respelled ?? none;
  }

  find(topic: string, match: (listener: L) => boolean): L | undefined {
    for (const listener of this.#listeners.get(topic)?.all ?? []) if (match(listener)) return listener;
    return undefined;
  }

  /** A join began: broadcasts are held for this listener from now on. Idempotent. */
  holding(listener: L): void {
    let entry = this.#listeners.get(listener.topic);
    if (entry === undefined) {
      entry = new Listeners();
      this.#listeners.set(listener.topic, entry);
      this.#told?.heard(listener.topic);
    }
    entry.all.add(listener);
    if (listener.isRespelled) entry.respelled = (entry.respelled ?? new Set()).add(listener);
    entry.holding ??= new Set();
    entry.holding.add(listener);
  }

  /** It hears the topic from now on. */
  live(listener: L): void {
    const entry = this.#listeners.get(listener.topic);
    if (entry !== undefined) settle(entry, listener);
  }

  left(listener: L): void {
    const entry = this.#listeners.get(listener.topic);
    if (entry === undefined) return;
    settle(entry, listener);
    entry.all.delete(listener);
    entry.respelled?.delete(listener);
    if (entry.all.size > 0) return;
    this.#listeners.delete(listener.topic);
    this.#told?.unheard(listener.topic);
  }

  /** Somebody may hear it now. */
  isHeard(topic: string): boolean {
    const entry = this.#listeners.get(topic);
    return entry !== undefined && isHeard(entry);
  }

  /** Holds the frame for those who may not hear it yet, but not for its source. True when somebody may, and must hear it now. */
  hold(topic: string, frame: string, position: Position | undefined, source?: L): boolean {
    const entry = this.#listeners.get(topic);
    if (entry === undefined) return false;
    for (const listener of entry.holding ?? []) if (listener !== source) listener.hold(frame, position);
    return isHeard(entry);
  }
}

const none: readonly never[] = [];

function isHeard<L extends Listener>({ all, holding }: Listeners<L>): boolean {
  return all.size > (holding?.size ?? 0);
}

function settle<L extends Listener>(entry: Listeners<L>, listener: L): void {
  entry.holding?.delete(listener);
  if (entry.holding?.size === 0) entry.holding = undefined;
}
