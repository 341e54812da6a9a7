import { constants } from "node:os";
import type { App, AppOptions } from "../src/app.ts";
import { createLogger, type Logger } from "../src/telemetry/logger.ts";
import { doubtsAbout } from "./doubts.ts";
import { exitCodes } from "./exit-codes.ts";
import { explain } from "./explain.ts";
import { ignoredAmong } from "./ignored-signals.ts";
import { complain } from "./print.ts";
import { commit, version } from "./version.ts";

/** Terminals, npm and supervisors repeat a signal within milliseconds; the second signal of a person comes later. */
const sameSignalMs = 400;
/** How long a stop may exceed the deadline of the app before the process ends. */
const stopGraceMs = 1_000;
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type Options = Pick<AppOptions, "config" | "mode" | "extraRoutes">;

/**
 * Runs the app until a signal, then ends the process: 0 after a stop within WHISPR_STOP_TIMEOUT, 1 when it fell short, 128 + n
 * at once after a second signal. A signal that was ignored when this process was started stays ignored; one during the
 * start stops as soon as the start is done. No exception ends it.
 */
export async function runApp(options: Options, onReady: (app: App, logger: Logger) => void): Promise<never> {
  const { config, mode } = options;
  const logger = createLogger(config.log);
  const bugs = surviveBugs(logger);
  const ignored = ignoredAmong(stopSignals);
  const asked = listenForSignals(
    stopSignals.filter((signal) => !ignored.includes(signal)),
    logger,
  );
  logger.info("starting", {
    version,
    commit,
    mode,
    pid: process.pid,
    database: config.database.type,
    ...(ignored.length > 0 && { ignoredSignals: ignored.join(", ") }),
  });
  for (const { event, names } of doubtsAbout(Bun.env, process.argv.slice(2))) logger.warn(event, { names });
  const app = await startOrExit({ ...options, logger, version, commit });
  bugs.report = app.bug;
  const metrics = app.adminUrl ? `${app.adminUrl}/metrics` : "off";
  logger.info("listening", { url: app.url, host: config.http.host, metrics });
  void app.ready.then(() => onReady(app, logger));
  await asked;
  process.exit(await stopWithin(app, config.stopTimeoutMs + stopGraceMs, logger));
}

async function startOrExit(options: AppOptions): Promise<App> {
  try {
    const { startApp } = await import("../src/app.ts");
    return await startApp(options);
  } catch (error) {
    const { text, exitCode } = explain(error, options.config);
    complain(`whispr-msg: ${text}`);
    process.exit(exitCode);
  }
}

/** Logs uncaught exceptions, and counts them once the app runs. Each belongs to one request or timer, so the process goes on for the others. */
function surviveBugs(logger: Logger): { report: App["bug"] } {
  const bugs = {
    report: (where: string, error: unknown) => logger.error("internal_error", { where, error }),
  };
  process.on("uncaughtException", (error) => bugs.report("uncaught exception", error));
  process.on("unhandledRejection", (error) => bugs.report("unhandled rejection", error));
  return bugs;
}

/** Resolves at the first signal; the second one ends the process. */
function listenForSignals(signals: readonly NodeJS.Signals[], logger: Logger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstAtMs = Number.POSITIVE_INFINITY;
  for (const signal of signals) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (firstAtMs === Number.POSITIVE_INFINITY) {
        firstAtMs = nowMs;
        logger.info("stopping", { signal });
        return resolve();
      }
      if (nowMs - firstAtMs < sameSignalMs) return;
      logger.warn("stopping_at_once", { signal });
      process.exit(128 + constants.signals[signal]);
    });
  }
  return promise;
}

async function stopWithin(app: App, timeoutMs: number, logger: Logger): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), timeoutMs);
  try {
    if ((await Promise.race([app.stop(), late])) === "late") {
      logger.error("stop_overdue");
      return exitCodes.failure;
    }
    logger.info("stopped");
    return exitCodes.ok;
  } catch (error) {
    logger.error("stop_failed", { error });
    return exitCodes.failure;
  } finally {
    clearTimeout(timer);
  }
}
