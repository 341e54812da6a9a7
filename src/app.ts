import { openDatabase } from "./app/open-database.ts";
import { openEndpoint } from "./app/open-endpoint.ts";
import { openEngine } from "./app/open-engine.ts";
import { openKeys } from "./app/open-keys.ts";
import type { Startup } from "./app/startup.ts";
import { Stopping } from "./app/stopping.ts";
import type { Config } from "./config.ts";
import type { Observer } from "./core/ports/observer.ts";
import { Readiness } from "./readiness.ts";
import { StoreHealth } from "./store/connections/health.ts";
import type { AdvisoryOwnership } from "./store/ownership/advisory-ownership.ts";
import { systemClock } from "./system.ts";
import { AdminListener } from "./telemetry/admin-listener.ts";
import type { Logger } from "./telemetry/logger.ts";
import { LoopLag } from "./telemetry/loop-lag.ts";
import { Metrics } from "./telemetry/metrics.ts";
import type { ExtraRoutes } from "./web/endpoint-options.ts";
import { widenBacklog } from "./web/http/listen-backlog.ts";

export interface App {
  readonly url: string;
  /** Where `/metrics` is served; null when it is off. */
  readonly adminUrl: string | null;
  /** Resolves once this process has keys, owns the conversations and serves. */
  readonly ready: Promise<void>;
  /** Logs and counts what was thrown where nobody caught it. */
  bug(where: string, error: unknown): void;
  /** Loses nothing that was acknowledged. Resolves when nothing of it is left; rejects then when the time was over before all was settled. */
  stop(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly mode: "serve" | "dev";
  /** Of this executable, X.Y.Z. */
  readonly version: string;
  /** That it was built from. */
  readonly commit: string;
  /** `dev` publishes its keys here, and the playground stands here. */
  readonly extraRoutes?: ExtraRoutes;
}

/**
 * The composition root: the only place that chooses a technology, with the folder `app`. Rejects when it cannot serve, with a text that names
 * the way out, and then leaves nothing running.
 *
 * What is opened is closed in the opposite order, which is the order of a stop that loses nothing: not ready → requests answered, sockets drained →
 * commands settled → the right to write given up → the store closed.
 */
export async function startApp(options: AppOptions): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const startup = startupOf(options, opened);
  const { observer, stopping } = startup;
  const { settings, disk } = await openDatabase(startup, options.mode === "dev");
  const health = new StoreHealth({ clock: systemClock, observer });
  observer.gauge("store_up", () => (health.isUp ? 1 : 0));
  const admin = openAdminListener(startup);
  const open = openEngine(startup, settings, health);
  const { ownership } = open;
  const keys = openKeys(startup);
  const readiness = new Readiness({ health, ownership, keys, disk, isStopping: () => stopping.hasBegun });
  const { extraRoutes = new Map() } = options;
  const endpoint = openEndpoint(startup, open, { keys, readiness, extraRoutes });
  if (!widenBacklog(endpoint.port)) observer.note("backlog_not_widened");
  return {
    url: endpoint.url,
    adminUrl: admin?.url ?? null,
    ready: Promise.all([keys.firstRead, gained(ownership)]).then(() => {}),
    bug: (where, error) => observer.bug(where, error),
    stop: stopOf(opened.move(), stopping),
  };
}

function startupOf({ config, logger, version, commit }: AppOptions, opened: AsyncDisposableStack): Startup {
  const observer = new Metrics({ logger, build: { version, commit } });
  warnOfRoot(config, observer);
  const lag = new LoopLag({ clock: systemClock, late: (lateMs) => observer.loopLate(lateMs) });
  opened.defer(() => lag.stop());
  const stopping = new Stopping({ clock: systemClock, timeoutMs: config.stopTimeoutMs });
  return { config, logger, version, observer, opened, stopping };
}

/** Stops once, however often it is called. */
function stopOf(running: AsyncDisposableStack, stopping: Stopping): () => Promise<void> {
  let stopped: Promise<void> | null = null;
  return () => {
    stopping.begin();
    stopped ??= running.disposeAsync().then(() => stopping.assertKept());
    return stopped;
  };
}

/** A port below 1024 may need root, where nobody gave the capability for it. */
function warnOfRoot({ http, admin }: Config, observer: Observer): void {
  const needsRoot = [http.port, admin?.port ?? 0].some((port) => port > 0 && port < 1_024);
  if (process.getuid?.() === 0 && !needsRoot) observer.warn("running_as_root");
}

function openAdminListener({ config, observer: metrics, opened }: Startup): AdminListener | null {
  if (!config.admin) return null;
  const listener = new AdminListener({ ...config.admin, metrics });
  opened.defer(() => listener.stop());
  return listener;
}

function gained(ownership: AdvisoryOwnership): Promise<void> {
  if (ownership.isOwner) return Promise.resolve();
  return new Promise((resolve) => ownership.onChange((_, held) => held && resolve()));
}
