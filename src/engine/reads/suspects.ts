import type { Clock } from "../../core/ports/clock.ts";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";

/** Returns whether the error comes from the batch and not from the store: then one of its items may be guilty. */
export function isOfTheBatch(error: unknown): boolean {
  return error instanceof StoreTimedOut || !(error instanceof StoreUnavailable);
}

/** The state that the parts of one failed batch share. */
class Split {
  /** Bounds what a store that is slow for everybody is asked: enough to find two guilty items. */
  #timeoutsLeft: number;
  /** Set when the rest of the parts must fail with it. */
  error: unknown = null;

  constructor(size: number) {
    this.#timeoutsLeft = 2 * Math.ceil(Math.log2(size));
  }

  failed(error: unknown): void {
    if (!isOfTheBatch(error)) this.error = error;
    else if (error instanceof StoreTimedOut && this.#timeoutsLeft-- <= 0) this.error = error;
  }
}

interface Part<Item> {
  readonly items: readonly Item[];
  /** Null: loaded apart because it failed alone before. */
  readonly split: Split | null;
}

/** How long an item that failed alone is loaded apart, and the most such items that are remembered. */
const offenceMs = 60_000;
const maxOffenders = 10_000;

/**
 * Finds the guilty items of batches that failed: loads halves of halves, one read at a time, beside everything else. One
 * guilty item of n costs at most 2 log2 n reads. A guilty item fails alone, and is loaded apart for a minute.
 */
export class Suspects<Item> {
  readonly #begin: (items: readonly Item[]) => readonly Item[];
  readonly #load: (items: readonly Item[]) => Promise<void>;
  readonly #fail: (items: readonly Item[], error: unknown) => void;
  readonly #identityOf: (item: Item) => string;
  readonly #clock: Clock;
  readonly #parts: Part<Item>[] = [];
  /** Offenders that wait to be loaded apart, by identity: behind all parts, and each once. */
  readonly #apart = new Map<string, Item>();
  /** Until when, by identity. Monotonic milliseconds. */
  readonly #offenders = new Map<string, number>();
  #isLoading = false;
  #size = 0;

  constructor(options: {
    /** Their read begins now. Refuses those that waited for too long, and returns the others. */
    readonly begin: (items: readonly Item[]) => readonly Item[];
    /** Loads them and hands out the results, or rejects. */
    readonly load: (items: readonly Item[]) => Promise<void>;
    readonly fail: (items: readonly Item[], error: unknown) => void;
    readonly identityOf: (item: Item) => string;
    readonly clock: Clock;
  }) {
    this.#begin = options.begin;
    this.#load = options.load;
    this.#fail = options.fail;
    this.#identityOf = options.identityOf;
    this.#clock = options.clock;
  }

  /** Items that wait here. */
  get size(): number {
    return this.#size + this.#apart.size;
  }

  /** Returns whether the item failed alone lately. */
  has(item: Item): boolean {
    if (this.#offenders.size === 0) return false;
    return (this.#offenders.get(this.#identityOf(item)) ?? 0) > this.#clock.monotonicMs();
  }

  /** Loads an offender apart. False: one with the same identity waits already. */
  add(item: Item): boolean {
    const identity = this.#identityOf(item);
    if (this.#apart.has(identity)) return false;
    this.#apart.set(identity, item);
    this.#wake();
    return true;
  }

  /** A batch of the caller failed. */
  failed(items: readonly Item[], error: unknown): void {
    this.#failed({ items, split: new Split(items.length) }, error);
  }

  #failed({ items, split }: Part<Item>, error: unknown): void {
    split?.failed(error);
    if (items.length > 1 && split && split.error === null) return this.#halve(items, split);
    if (items.length === 1 && isOfTheBatch(error)) this.#remember(items[0]!);
    this.#fail(items, error);
  }

  #halve(items: readonly Item[], split: Split): void {
    const middle = items.length >> 1;
    this.#enqueue({ items: items.slice(0, middle), split });
    this.#enqueue({ items: items.slice(middle), split });
  }

  #enqueue(part: Part<Item>): void {
    this.#parts.push(part);
    this.#size += part.items.length;
    this.#wake();
  }

  #wake(): void {
    if (!this.#isLoading) void this.#loadAll();
  }

  async #loadAll(): Promise<void> {
    this.#isLoading = true;
    await Promise.resolve();
    for (let part = this.#next(); part; part = this.#next()) {
      if (part.split?.error) this.#fail(part.items, part.split.error);
      else await this.#loadPart(this.#wanted(part));
    }
    this.#isLoading = false;
  }

  #next(): Part<Item> | undefined {
    const part = this.#parts.shift();
    if (part) this.#size -= part.items.length;
    return part ?? this.#nextApart();
  }

  #nextApart(): Part<Item> | undefined {
    for (const [identity, item] of this.#apart) {
      this.#apart.delete(identity);
      return { items: [item], split: null };
    }
    return undefined;
  }

  /** Items that waited for too long are loaded apart the next time, because they may be guilty. */
  #wanted({ items, split }: Part<Item>): Part<Item> {
    const wanted = this.#begin(items);
    if (split && wanted.length < items.length) {
      const isWanted = new Set(wanted);
      for (const item of items) if (!isWanted.has(item)) this.#remember(item);
    }
    return { items: wanted, split };
  }

  async #loadPart(part: Part<Item>): Promise<void> {
    if (part.items.length === 0) return;
    try {
      await this.#load(part.items);
      if (part.items.length === 1) this.#offenders.delete(this.#identityOf(part.items[0]!));
    } catch (error) {
      this.#failed(part, error);
    }
  }

  #remember(item: Item): void {
    const identity = this.#identityOf(item);
    this.#offenders.delete(identity);
    this.#offenders.set(identity, this.#clock.monotonicMs() + offenceMs);
    if (this.#offenders.size > maxOffenders) this.#offenders.delete(this.#offenders.keys().next().value!);
  }
}
