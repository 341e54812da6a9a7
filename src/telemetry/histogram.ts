import type { Metric, MetricObjectWithValues, MetricValue } from "prom-client";

export interface Bounds {
  readonly name: string;
  readonly help: string;
  /** Ascending upper bounds; what is larger counts in `+Inf`. */
  readonly upTo: readonly number[];
}

type Labels = Readonly<Record<string, string>>;
type Value = MetricValue<string> & { readonly metricName: string };

/** The counts of one set of labels: `observe` is a search in a short array and an increment. */
class Series {
  readonly #upTo: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(upTo: readonly number[]) {
    this.#upTo = upTo;
    this.#counts = new Float64Array(upTo.length + 1);
  }

  observe(value: number): void {
    const upTo = this.#upTo;
    let index = 0;
    while (index < upTo.length && value > upTo[index]!) index++;
    this.#counts[index]! += 1;
    this.#sum += value;
  }

  /** Cumulative, as Prometheus wants them. */
  values(name: string, labels: Labels): readonly Value[] {
    const values: Value[] = [];
    let count = 0;
    for (const [index, bucket] of this.#counts.entries()) {
      count += bucket;
      const le = this.#upTo[index] ?? "+Inf";
      values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels, value: this.#sum });
    values.push({ metricName: `${name}_count`, labels, value: count });
    return values;
  }
}

/** A histogram for the hot path: nothing is allocated per observation, everything else happens at the scrape. */
export class Histogram {
  readonly #bounds: Bounds;
  readonly #series: Series;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#series = new Series(bounds.upTo);
  }

  observe(value: number): void {
    this.#series.observe(value);
  }

  asMetric(): Metric {
    return asMetric(this.#bounds, () => this.#series.values(this.#bounds.name, {}));
  }
}

/** A histogram with labels. Its callers keep the sets of labels few: each is a series for good. */
export class LabelledHistogram {
  readonly #bounds: Bounds;
  readonly #series = new Map<string, { readonly labels: Labels; readonly series: Series }>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** `key` stands for the labels, which are asked for once. */
  observe(key: string, labels: () => Labels, value: number): void {
    let found = this.#series.get(key);
    if (!found) {
      found = { labels: labels(), series: new Series(this.#bounds.upTo) };
      this.#series.set(key, found);
    }
    found.series.observe(value);
  }

  asMetric(): Metric {
    const { name } = this.#bounds;
    return asMetric(this.#bounds, () =>
      [...this.#series.values()].flatMap(({ labels, series }) => series.values(name, labels)),
    );
  }
}

/** In the form in which prom-client's registry asks its own metrics, which is all that it asks of one. */
function asMetric({ name, help }: Bounds, collect: () => readonly Value[]): Metric {
  const get = async () => {
    const collected = { name, help, type: "histogram", values: collect(), aggregator: "sum" };
    return collected as unknown as MetricObjectWithValues<MetricValue<string>>;
  };
  return { name, help, type: "histogram", get } as unknown as Metric;
}
