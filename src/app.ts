import { Keys } from "./auth/jwks.ts";
import { JwtTokens } from "./auth/jwt.ts";
import { KeysReport } from "./auth/keys-report.ts";
import { nothingRevoked } from "./auth/revocation.ts";
import type { Config } from "./config.ts";
import type { Clock } from "./core/ports/clock.ts";
import type { Limiter } from "./core/ports/limiter.ts";
import type { Observer } from "./core/ports/observer.ts";
import type { PubSub } from "./core/ports/pubsub.ts";
import { BlockEnforcer } from "./engine/conversation/block-enforcer.ts";
import { actorMemory } from "./engine/conversation/known-facts.ts";
import { type Engine, startEngine } from "./engine/engine.ts";
import { LocalLimiter } from "./limiter/local.ts";
import { phoenixDefaults } from "./phoenix/settings.ts";
import { LocalPresence } from "./presence/local.ts";
import { LocalPubSub } from "./pubsub/local.ts";
import { Readiness } from "./readiness.ts";
import { PostgresCommit } from "./store/append/append.ts";
import { PostgresBlocks } from "./store/blocks.ts";
import { type DatabaseSettings, openPool, ReadPool } from "./store/connections/database.ts";
import { StoreHealth, WatchedCommit } from "./store/connections/health.ts";
import { findLacks } from "./store/connections/session-checks.ts";
import { PostgresConversationCreation } from "./store/conversation-creation.ts";
import { DiskSpace } from "./store/embedded/disk-space.ts";
import { EmbeddedPostgres } from "./store/embedded/embedded-postgres.ts";
import { Orphans } from "./store/embedded/orphans.ts";
import { PostgresLastSeen } from "./store/last-seen.ts";
import { AdvisoryOwnership } from "./store/ownership/advisory-ownership.ts";
import { PostgresDeviceCursors } from "./store/private/device-cursors.ts";
import { PostgresOwnState } from "./store/private/own-state.ts";
import { PostgresActorReads } from "./store/reads/actor-reads.ts";
import { PostgresDeliveryReads } from "./store/reads/delivery-reads.ts";
import { PostgresSyncReads } from "./store/reads/sync-reads.ts";
import { PostgresViewerReads } from "./store/reads/viewer-reads.ts";
import { checkSchema, migrate } from "./store/schema/migrator.ts";
import { checkDatabase } from "./store/schema/store-checks.ts";
import { newId, systemClock, workedMs } from "./system.ts";
import { AdminListener } from "./telemetry/admin-listener.ts";
import { descriptorLimit, OpenDescriptors } from "./telemetry/descriptors.ts";
import type { Logger } from "./telemetry/logger.ts";
import { LoopLag } from "./telemetry/loop-lag.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { Endpoint } from "./web/endpoint.ts";
import type { EndpointSettings, ExtraRoutes } from "./web/endpoint-options.ts";
import { documentRoutes } from "./web/http/documents.ts";
import { widenBacklog } from "./web/http/listen-backlog.ts";
import { statusOf } from "./web/http/probes.ts";

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
 * The composition root: the only place that chooses a technology. Rejects when it cannot serve, with a text that names the way out, and
 * then leaves nothing running.
 *
 * What is opened is closed in the opposite order, which is the order of a stop that loses nothing: not ready → requests answered, sockets drained →
 * commands settled → the right to write given up → the store closed.
 */
export async function startApp(options: AppOptions): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const { config, logger } = options;
  const stopping = new Stopping({ clock: systemClock, timeoutMs: config.stopTimeoutMs });
  const observer = new Metrics({ logger, build: options });
  warnOfRoot(config, observer);
  const lag = new LoopLag({ clock: systemClock, late: (lateMs) => observer.loopLate(lateMs) });
  opened.defer(() => lag.stop());
  const { settings, disk } = await openDatabase(options, observer, opened);
  const health = new StoreHealth({ clock: systemClock, observer });
  const admin = openAdminListener(config, observer, opened);
  const limiter = new LocalLimiter({ clock: systemClock, limits: config.limits });
  const { engine, ownership, pubsub } = openEngine({
    config,
    version: options.version,
    settings,
    health,
    observer,
    opened,
    stopping,
  });
  const keys = openKeys(config, observer);
  opened.defer(() => keys.stop());
  const readiness = new Readiness({ health, ownership, keys, disk, isStopping: () => stopping.hasBegun });
  observer.gauge("store_up", () => (health.isUp ? 1 : 0));
  const endpoint = openEndpoint({
    options,
    readiness,
    keys,
    engine,
    ownership,
    pubsub,
    limiter,
    observer,
    opened,
    stopping,
  });

  if (!widenBacklog(endpoint.port)) observer.note("backlog_not_widened");
  const running = opened.move();
  let stopped: Promise<void> | null = null;
  return {
    url: endpoint.url,
    adminUrl: admin?.url ?? null,
    ready: Promise.all([keys.firstRead, gained(ownership)]).then(() => {}),
    bug: (where, error) => observer.bug(where, error),
    stop: () => {
      stopping.begin();
      stopped ??= running.disposeAsync().then(() => stopping.assertKept());
      return stopped;
    },
  };
}

/** A port below 1024 may need root, where nobody gave the capability for it. */
function warnOfRoot({ http, admin }: Config, observer: Observer): void {
  const needsRoot = [http.port, admin?.port ?? 0].some((port) => port > 0 && port < 1_024);
  if (process.getuid?.() === 0 && !needsRoot) observer.warn("running_as_root");
}

/** One deadline for the whole stop, and the reason not to be ready meanwhile. */
class Stopping {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #untilMs = Number.POSITIVE_INFINITY;
  #unfinished: string[] = [];

  constructor(options: { readonly clock: Clock; readonly timeoutMs: number }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  begin(): void {
    this.#untilMs = Math.min(this.#untilMs, this.#clock.monotonicMs() + this.#timeoutMs);
  }

  get hasBegun(): boolean {
    return this.#untilMs !== Number.POSITIVE_INFINITY;
  }

  /** Leaves a tenth of the time for what comes after. */
  get leftMs(): number {
    this.begin();
    return Math.max(0, (this.#untilMs - this.#clock.monotonicMs()) * 0.9);
  }

  /** Resolves with the work or when the time is over, whichever comes first; `assertKept` tells which. */
  async within(what: string, work: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const cancel = this.#clock.after(this.leftMs, () => resolve("late"));
    if ((await Promise.race([work, late])) === "late") this.#unfinished.push(what);
    cancel();
  }

  /** Throws when the deadline was not enough. */
  assertKept(): void {
    if (this.#unfinished.length === 0) return;
    throw new Error(`WHISPR_STOP_TIMEOUT was over before all was done: ${this.#unfinished.join(", ")}`);
  }
}

function openAdminListener(
  config: Config,
  metrics: Metrics,
  opened: AsyncDisposableStack,
): AdminListener | null {
  if (!config.admin) return null;
  const listener = new AdminListener({ ...config.admin, metrics });
  opened.defer(() => listener.stop());
  return listener;
}

/** A database that may be served on: reached, fit, with its schema in place. What may be mended while serving is only warned of. */
async function openDatabase(
  options: AppOptions,
  observer: Observer,
  opened: AsyncDisposableStack,
): Promise<{ readonly settings: DatabaseSettings; readonly disk: DiskSpace | null }> {
  const { config, logger, mode, version } = options;
  const url = await databaseUrl(config, logger, opened);
  const disk = config.database.type === "embedded" ? await openDisk(config, observer, opened) : null;
  await checkDatabase(url);
  if (config.database.type === "embedded" || mode === "dev" || config.autoMigrate) {
    const onProgress = (progress: string) => logger.info("migrating", { progress });
    for (const step of await migrate({ url, direction: "up", onProgress }))
      logger.info("migrated", { ...step });
  }
  await checkSchema({ url, binary: version });
  const lacks = await findLacks(url, config.connections.poolSize);
  if (lacks.length > 0)
    observer.warn("database_session_lacks", { reason: lacks.map(({ text }) => text).join(" ") });
  return { settings: { url, ...config.connections }, disk };
}

async function openDisk(
  { dataDir: directory }: Config,
  observer: Observer,
  opened: AsyncDisposableStack,
): Promise<DiskSpace> {
  const disk = new DiskSpace({ directory, clock: systemClock, observer });
  opened.defer(() => disk.stop());
  await disk.start();
  observer.gauge("disk_free_bytes", () => disk.freeBytes);
  return disk;
}

async function databaseUrl(config: Config, logger: Logger, opened: AsyncDisposableStack): Promise<string> {
  if (config.database.type === "postgres") {
    // This process starts no other one, so all that it may have to wait for are orphans.
    const orphans = new Orphans(() => []);
    opened.defer(() => orphans.stop());
    return config.database.url;
  }
  const postgres = await EmbeddedPostgres.start({
    dataDir: config.dataDir,
    user: config.postgresUser,
    logger,
  });
  opened.defer(() => postgres.stop());
  return postgres.url;
}

function openEngine(given: {
  readonly config: Config;
  readonly version: string;
  readonly settings: DatabaseSettings;
  readonly health: StoreHealth;
  readonly observer: Observer;
  readonly opened: AsyncDisposableStack;
  readonly stopping: Stopping;
}) {
  const { config, version, settings, health, observer, opened, stopping } = given;
  const lost = (error: Error) => health.connectionLost(error);
  const pool = openPool(settings, lost);
  opened.defer(() => stopping.within("closing the database", pool.end()));
  const reads = new ReadPool({ pool: health.watching(pool) });
  const actorReads = new PostgresActorReads({ reads });
  const commits = Array.from(
    { length: config.lanes.count },
    () => new PostgresCommit({ settings, onLost: lost }),
  );
  for (const commit of commits) opened.defer(() => stopping.within("closing the lane", commit.close()));
  const ownership = new AdvisoryOwnership({
    settings,
    nodeId: newId(),
    binary: version,
    clock: systemClock,
    observer,
    health,
  });
  opened.defer(() => stopping.within("giving up the right to write", ownership.stop()));
  const blocks = new PostgresBlocks({ settings, clock: systemClock, observer });
  opened.defer(() => stopping.within("closing the connection that hears of blocks", blocks.stop()));
  const pubsub = new LocalPubSub({ onError: (error) => observer.bug("pubsub", error) });
  const engine = startEngine({
    ports: {
      commits: commits.map((port) => new WatchedCommit({ port, health })),
      actorReads,
      viewerReads: new PostgresViewerReads({ reads }),
      syncReads: new PostgresSyncReads({ reads }),
      deliveryReads: new PostgresDeliveryReads({ reads, actorReads }),
      creation: new PostgresConversationCreation({ reads }),
      cursors: new PostgresDeviceCursors({ reads }),
      lastSeen: new PostgresLastSeen({ reads }),
      own: new PostgresOwnState({ reads }),
      ownership,
      pubsub,
      clock: systemClock,
      observer,
    },
    settings: {
      lane: config.lanes,
      supervisor: { ...config.actors, memory: actorMemory },
      registry: config.commands,
      requests: config.requests,
    },
  });
  opened.defer(() => engine.stop());
  opened.defer(() => stopping.within("settling commands", engine.drain()));
  const { commands, meetings } = engine;
  const enforcer = new BlockEnforcer({
    blocks,
    commands,
    meetings,
    pubsub,
    ownership,
    clock: systemClock,
    observer,
    newId,
  });
  enforcer.start();
  opened.defer(() => enforcer.stop());
  ownership.start();
  return { engine, ownership, pubsub };
}

function openEndpoint(given: {
  readonly options: AppOptions;
  readonly readiness: Readiness;
  readonly keys: Keys;
  readonly engine: Engine;
  readonly ownership: AdvisoryOwnership;
  readonly pubsub: PubSub;
  readonly limiter: Limiter;
  readonly observer: Observer;
  readonly opened: AsyncDisposableStack;
  readonly stopping: Stopping;
}): Endpoint {
  const { options, readiness, keys, engine, ownership, pubsub, limiter, observer } = given;
  const { opened, stopping } = given;
  const { config, extraRoutes = new Map() } = options;
  const openDescriptors = new OpenDescriptors();
  const endpoint = new Endpoint({
    settings: endpointSettings(config),
    commands: engine.commands,
    joins: engine.joins,
    queries: engine.queries,
    marks: engine.marks,
    receipts: { marks: engine.marks, cursors: engine.cursors },
    delivery: engine.delivery,
    ownership,
    pubsub,
    presence: new LocalPresence({ clock: systemClock, newId }),
    lastSeen: engine.lastSeen,
    tokens: new JwtTokens({ keys, clock: systemClock, settings: config.tokens }),
    revocations: nothingRevoked,
    limiter,
    clock: systemClock,
    workedMs,
    newId,
    observer,
    checks: () => readiness.checks(),
    isStarting: () => readiness.isStarting,
    descriptors: {
      limit: descriptorLimit(),
      reserved: reservedDescriptors(config),
      open: () => openDescriptors.count(),
    },
    extraRoutes: new Map([...documentRoutes(options.version), ...extraRoutes]),
  });
  opened.defer(() => endpoint.stop({ deadlineMs: stopping.leftMs }));
  observer.gauge("ready", () => (statusOf(readiness.checks()) === "unavailable" ? 0 : 1));
  return endpoint;
}

function openKeys(config: Config, observer: Observer): Keys {
  const source = config.tokens.keys;
  if (!source)
    throw new Error("There are no keys to verify tokens: set JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE.");
  const report = new KeysReport({ observer, clock: systemClock });
  report.begins(source);
  const keys = new Keys({
    source,
    clock: systemClock,
    onFailure: (reason) => report.failed(reason),
    onRead: (ignored) => report.read(ignored),
  });
  observer.gauge("keys_age_seconds", () => keys.ageMs / 1_000);
  return keys;
}

function endpointSettings(config: Config): EndpointSettings {
  const { http, messages, people, cors, sockets, connections } = config;
  const readMs = connections.connectTimeoutMs + connections.statementTimeoutMs + 1_000;
  return {
    hostname: http.host,
    port: http.port,
    maxBodyBytes: sockets.maxFrameBytes,
    maxHeldBytes: sockets.maxHeldBytes,
    // A connection and its statement; a read that is shared waits for the one before it.
    answerWithinMs: 2 * readMs + 5_000,
    payloads: { ...messages, asksFirst: people.asksFirst },
    presenceShownTo: people.presenceShownTo,
    corsOrigins: cors.origins === "any" ? "*" : cors.origins,
    maxSessionMs: sockets.sessionMaxMs,
    maxSocketsPerUser: sockets.maxPerUser,
    trustedProxies: config.trustedProxies,
    maxLoopLatenessMs: config.maxLoopLatenessMs,
    phoenix: { ...phoenixDefaults, ...sockets },
    drain: { batch: 100, pauseMs: 50 },
  };
}

/** For connections to the database, also while lost ones are replaced; files; scrapes; probes. */
function reservedDescriptors({ connections, lanes }: Config): number {
  const wanted = connections.poolSize + lanes.count + 48;
  return Math.min(wanted, Math.floor(descriptorLimit() / 4));
}

function gained(ownership: AdvisoryOwnership): Promise<void> {
  if (ownership.isOwner) return Promise.resolve();
  return new Promise((resolve) => ownership.onChange((_, held) => held && resolve()));
}
