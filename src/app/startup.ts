import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Stopping } from "./stopping.ts";

/** The arguments with which every part of the process is opened. */
export interface Startup {
  readonly config: Config;
  readonly logger: Logger;
  /** The version of this executable, X.Y.Z. */
  readonly version: string;
  readonly observer: Metrics;
  /** Closes all that was opened, in the opposite order. */
  readonly opened: AsyncDisposableStack;
  readonly stopping: Stopping;
}
