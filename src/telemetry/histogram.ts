import type { Metric, MetricObjectWithValues, MetricValue } from "prom-client";

export interface Bounds {
  readonly name: string;
  readonly help: string;
  /** Ascending upper bounds; what is larger counts in `+Inf`. */
  readonly upTo: readonly number[];
}

/** A histogram for the hot path: `observe` is a search in a short array and an increment; everything else happens at the scrape. */
export class Histogram {
  readonly #bounds: Bounds;
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.upTo.length + 1);
  }

  observe(value: number): void {
    const { upTo } = this.#bounds;
    let index = 0;
    while (index < upTo.length && value > upTo[index]!) index++;
    this.#counts[index]! += 1;
    this.#sum += value;
  }

  /** In the form in which prom-client's registry asks its own metrics, which is all that it asks of one. */
  asMetric(): Metric {
    const { name, help } = this.#bounds;
    return { name, help, type: "histogram", get: async () => this.#collected() } as unknown as Metric;
  }

  #collected(): MetricObjectWithValues<MetricValue<string>> {
    const { name, help, upTo } = this.#bounds;
    const values: (MetricValue<string> & { readonly metricName: string })[] = [];
    let count = 0;
    for (const [index, bucket] of this.#counts.entries()) {
      count += bucket;
      values.push({ metricName: `${name}_bucket`, labels: { le: upTo[index] ?? "+Inf" }, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.#sum });
    values.push({ metricName: `${name}_count`, labels: {}, value: count });
    return { name, help, type: "histogram", values, aggregator: "sum" } as unknown as MetricObjectWithValues<
      MetricValue<string>
    >;
  }
}
