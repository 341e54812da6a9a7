/** How much the average follows each result. */
const pace = 1 / 64;

/** Remembers what requests about the same thing brought the last time. Unknown ones count as the average. Bounded. */
export class LearnedWeights {
  readonly #maxKnown: number;
  readonly #known = new Map<string, number>();
  #average: number;

  constructor(options: { readonly initial: number; readonly maxKnown?: number }) {
    this.#average = options.initial;
    this.#maxKnown = options.maxKnown ?? 20_000;
  }

  of(id: string): number {
    return this.#known.get(id) ?? this.#average;
  }

  learn(id: string, weight: number): void {
    this.#average += (weight - this.#average) * pace;
    if (this.#known.get(id) === weight) return;
    this.#known.delete(id);
    this.#known.set(id, weight);
    if (this.#known.size > this.#maxKnown) this.#known.delete(this.#known.keys().next().value!);
  }
}
