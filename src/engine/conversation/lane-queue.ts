import type { Entry } from "./actor.ts";
import { sizeOf } from "./entries.ts";

export interface LaneSettings {
  /** The most rows of one batch. */
  readonly maxRows: number;
  /** The most bytes of content and metadata in one batch, so that large messages do not hold up small ones for long. */
  readonly maxBytes: number;
}

/** Changes that wait for the next batch, in the order in which they were decided. */
export class LaneQueue {
  #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Takes the oldest changes that still count, within the bounds of a batch. */
  take({ maxRows, maxBytes }: LaneSettings): Entry[] {
    const batch: Entry[] = [];
    let bytes = 0;
    let taken = 0;
    while (taken < this.#entries.length && batch.length < maxRows && bytes < maxBytes) {
      const entry = this.#entries[taken++]!;
      if (entry.attempt !== entry.actor.attempt) continue;
      batch.push(entry);
      bytes += sizeOf(entry);
    }
    this.#entries = taken === this.#entries.length ? [] : this.#entries.slice(taken);
    return batch;
  }

  /** Returns how many of these are at the front of the queue again. */
  inFront(entries: readonly Entry[]): number {
    const front = new Set(this.#entries.slice(0, entries.length));
    return entries.filter((entry) => front.has(entry)).length;
  }

  /** Returns taken changes to the queue, behind the first `before` ones. */
  putBehind(before: number, entries: readonly Entry[]): void {
    this.#entries = [...this.#entries.slice(0, before), ...entries, ...this.#entries.slice(before)];
  }
}
