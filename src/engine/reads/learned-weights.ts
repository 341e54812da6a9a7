/** The number of things of the initial weight in the average, so that the first heavy ones hardly move it. */
const initialCount = 256;

/**
 * Remembers what the last request about each thing brought. Unknown things count as the average of the known ones, each of which counts
 * once: many requests for one heavy thing do not make all others look heavy. Bounded.
 */
export class LearnedWeights {
  readonly #initial: number;
  readonly #maxKnown: number;
  readonly #known = new Map<string, number>();
  /** The sum of the known weights. */
  #total = 0;

  constructor(options: { readonly initial: number; readonly maxKnown?: number }) {
    this.#initial = options.initial;
    this.#maxKnown = options.maxKnown ?? 20_000;
  }

  of(id: string): number {
    return this.#known.get(id) ?? this.#average;
  }

  learn(id: string, weight: number): void {
    if (this.#known.get(id) === weight) return;
    this.#forget(id);
    this.#known.set(id, weight);
    this.#total += weight;
    if (this.#known.size > this.#maxKnown) this.#forget(this.#known.keys().next().value!);
  }

  #forget(id: string): void {
    this.#total -= this.#known.get(id) ?? 0;
    this.#known.delete(id);
  }

  get #average(): number {
    return (initialCount * this.#initial + this.#total) / (initialCount + this.#known.size);
  }
}
