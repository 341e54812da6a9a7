/** Which memberships listen to which topic on this node. Bounded by what the sockets hold: an empty topic is forgotten. */

/** A socket's place in a topic, as far as a broadcast is concerned. */
export interface Listener {
  readonly topic: string;
  /** Keeps a broadcast until the join in flight has settled. */
  hold(frame: string, position: number | undefined): void;
}

class Listeners<L extends Listener> {
  readonly all = new Set<L>();
  /** Those whose join is in flight: made only while there are any. */
  joining: Set<L> | undefined;
}

export class Topics<L extends Listener> {
  readonly #listeners = new Map<string, Listeners<L>>();

  has(topic: string): boolean {
    return this.#listeners.has(topic);
  }

  count(topic: string): number {
    return this.#listeners.get(topic)?.all.size ?? 0;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** A copy: whoever walks it may end memberships. */
  listeners(topic: string): L[] {
    return [...(this.#listeners.get(topic)?.all ?? [])];
  }

  /** A join began: broadcasts are held for this listener from now on. */
  joining(listener: L): void {
    let entry = this.#listeners.get(listener.topic);
    if (entry === undefined) {
      entry = new Listeners();
      this.#listeners.set(listener.topic, entry);
    }
    entry.all.add(listener);
    entry.joining ??= new Set();
    entry.joining.add(listener);
  }

  joined(listener: L): void {
    const entry = this.#listeners.get(listener.topic);
    if (entry !== undefined) settle(entry, listener);
  }

  left(listener: L): void {
    const entry = this.#listeners.get(listener.topic);
    if (entry === undefined) return;
    settle(entry, listener);
    entry.all.delete(listener);
    if (entry.all.size === 0) this.#listeners.delete(listener.topic);
  }

  /** Holds the frame for every join in flight. True when somebody has joined already and must hear it now. */
  hold(topic: string, frame: string, position: number | undefined): boolean {
    const entry = this.#listeners.get(topic);
    if (entry === undefined) return false;
    const joined = entry.all.size > (entry.joining?.size ?? 0);
    if (entry.joining !== undefined) for (const listener of entry.joining) listener.hold(frame, position);
    return joined;
  }
}

function settle<L extends Listener>(entry: Listeners<L>, listener: L): void {
  entry.joining?.delete(listener);
  if (entry.joining?.size === 0) entry.joining = undefined;
}
