import { collectDefaultMetrics, type Registry } from "prom-client";

/** What `promtool check metrics` refuses (gauges named `_total`), and what every scrape resets, so that two disturb each other. */
const left = /^nodejs_(active_\w+|eventloop_lag_\w+)$/;
/** Milliseconds. The loop is measured by `LoopLag`; prom-client's own measure cannot be switched off, only made seldom. */
const eventLoopMonitoringPrecision = 10_000;

/** Adds CPU, memory, descriptors and the heap, from prom-client's own set. */
export function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision });
  for (const { name } of register.getMetricsAsArray()) {
    if (left.test(name)) register.removeSingleMetric(name);
  }
}
