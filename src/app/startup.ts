import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Stopping } from "./stopping.ts";

/** What every part of the process is opened with. */
export interface Startup {
  readonly config: Config;
  readonly logger: Logger;
  /** Of this executable, X.Y.Z. */
  readonly version: string;
  readonly observer: Metrics;
  /** What was opened, to be closed in the opposite order. */
  readonly opened: AsyncDisposableStack;
  readonly stopping: Stopping;
}
