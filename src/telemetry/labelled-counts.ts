import { Counter, type Registry } from "prom-client";

/** What a counter with one label is called. */
export interface CounterNames {
  readonly name: string;
  readonly help: string;
  readonly label: string;
}

/** Totals since the start by the value of one label. `values` are there from the start, so that a rate sees the first of each. */
export class LabelledCounts<Value extends string> {
  readonly #names: CounterNames;
  readonly #counts: Map<string, number>;

  constructor({ values, ...names }: CounterNames & { readonly values: readonly Value[] }) {
    this.#names = names;
    this.#counts = new Map(values.map((value) => [value, 0]));
  }

  add(value: Value, count = 1): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + count);
  }

  register(registry: Registry): void {
    registerCounts(registry, this.#names, () => this.#counts);
  }
}

/** Registers a counter that is read when it is scraped. */
export function registerCounts(
  registry: Registry,
  { name, help, label }: CounterNames,
  read: () => ReadonlyMap<string, number>,
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, count] of read()) this.inc({ [label]: value }, count);
    },
  });
}
