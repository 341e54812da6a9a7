import { framesFor, limitsOf } from "./budget-sizes.ts";
import type { Limits } from "./core/ports/limiter.ts";
import type { DatabaseConfig } from "./database-settings.ts";
import type { SettingValue, Values } from "./settings.ts";

/** All settings, read once. Null is off; alternatives are tagged unions. */
export interface Config {
  readonly http: { readonly host: string; readonly port: number };
  readonly admin: { readonly host: string; readonly port: number } | null;
  readonly dataDir: string;
  /** The account that the embedded PostgreSQL runs as when root starts whispr-msg; null: chosen by default. */
  readonly postgresUser: string | null;
  readonly database: DatabaseConfig;
  readonly connections: {
    readonly poolSize: number;
    readonly connectTimeoutMs: number;
    readonly statementTimeoutMs: number;
  };
  readonly autoMigrate: boolean;
  readonly playground: boolean;
  readonly docs: boolean;
  readonly tokens: {
    readonly keys: KeysConfig | null;
    readonly issuer: string;
    readonly audiences: readonly string[];
    readonly leewayMs: number;
    readonly maxLifetimeMs: number;
    /** Null: a subject that is not a UUID is refused. */
    readonly subjectNamespace: string | null;
  };
  readonly cors: { readonly origins: readonly string[] | "any" };
  readonly log: { readonly level: LogLevel; readonly format: "json" | "pretty"; readonly security: boolean };
  readonly stopTimeoutMs: number;
  readonly lanes: { readonly count: number; readonly maxRows: number; readonly maxBytes: number };
  readonly actors: {
    readonly maxActors: number;
    readonly maxActorBytes: number;
    readonly maxTurnsPerActor: number;
  };
  readonly commands: {
    readonly commandDeadlineMs: number;
    readonly maxTurns: number;
    readonly maxTurnBytes: number;
  };
  readonly messages: {
    readonly maxContentBytes: number;
    readonly maxMetadataBytes: number;
    readonly editWindowMs: number;
    readonly deleteWindowMs: number;
  };
  readonly people: {
    /** A first contact is a request that the other user accepts or declines. */
    readonly asksFirst: boolean;
    readonly presenceShownTo: "participants" | "members";
  };
  readonly sockets: {
    readonly maxFrameBytes: number;
    readonly sendBufferBytes: number;
    readonly maxHeldBytes: number;
    /** 0: no limit. */
    readonly maxPerUser: number;
    /** 0: no limit. */
    readonly heartbeatsPerMin: number;
    /** 0: no limit. */
    readonly framesPerMin: number;
    readonly idleTimeoutMs: number;
    readonly sessionMaxMs: number;
  };
  /** Reads and creations over REST. */
  readonly requests: {
    readonly maxAtOnce: number;
    readonly maxAtOncePerUser: number;
    /** 0: off. */
    readonly maxPerUser: number;
  };
  readonly limits: Limits;
  readonly trustedProxies: readonly string[];
  /** 0: off. */
  readonly maxLoopLatenessMs: number;
}

export type KeysConfig =
  | { readonly type: "url"; readonly url: string; readonly refreshMs: number }
  | { readonly type: "file"; readonly path: string; readonly refreshMs: number }
  /** Made by this process (`dev`), which publishes them. */
  | { readonly type: "given"; readonly keys: readonly Readonly<Record<string, unknown>>[] };

export type LogLevel = SettingValue<"logLevel">;

/** Returns the tree of the settings' values. */
export function configOf(values: Values, database: DatabaseConfig): Config {
  return {
    http: { host: values.host, port: values.port },
    admin: values.adminPort === 0 ? null : { host: values.adminHost, port: values.adminPort },
    dataDir: values.dataDir,
    postgresUser: values.postgresUser,
    database,
    connections: connectionsOf(values),
    autoMigrate: values.autoMigrate,
    playground: values.playground,
    docs: values.docs,
    tokens: tokensOf(values),
    cors: { origins: values.corsOrigins.includes("*") ? "any" : values.corsOrigins },
    log: { level: values.logLevel, format: values.logFormat, security: values.securityLog },
    stopTimeoutMs: values.stopTimeoutMs,
    lanes: { count: values.lanes, maxRows: values.batchRows, maxBytes: values.batchBytes },
    actors: actorsOf(values),
    commands: commandsOf(values),
    messages: messagesOf(values),
    people: { asksFirst: values.firstContact === "request", presenceShownTo: values.presenceShownTo },
    sockets: socketsOf(values),
    requests: requestsOf(values),
    limits: limitsOf(values),
    trustedProxies: values.trustedProxies ?? [],
    maxLoopLatenessMs: values.maxLoopLatenessMs,
  };
}

function connectionsOf(values: Values): Config["connections"] {
  return {
    poolSize: values.dbPoolSize,
    connectTimeoutMs: values.dbConnectTimeoutMs,
    statementTimeoutMs: values.dbStatementTimeoutMs,
  };
}

function tokensOf(values: Values): Config["tokens"] {
  return {
    keys: keysOf(values),
    issuer: values.jwtIssuer,
    audiences: values.jwtAudiences,
    leewayMs: values.jwtLeewayMs,
    maxLifetimeMs: values.jwtMaxLifetimeMs,
    subjectNamespace: values.jwtSubjectNamespace,
  };
}

function actorsOf(values: Values): Config["actors"] {
  return {
    maxActors: values.maxActors,
    maxActorBytes: values.maxActorBytes,
    maxTurnsPerActor: values.maxMailboxTurns,
  };
}

function commandsOf(values: Values): Config["commands"] {
  return {
    commandDeadlineMs: values.commandDeadlineMs,
    maxTurns: values.maxTurns,
    maxTurnBytes: values.maxTurnBytes,
  };
}

function messagesOf(values: Values): Config["messages"] {
  return {
    maxContentBytes: values.maxContentBytes,
    maxMetadataBytes: values.maxMetadataBytes,
    editWindowMs: values.editWindowMs,
    deleteWindowMs: values.deleteWindowMs,
  };
}

function socketsOf(values: Values): Config["sockets"] {
  return {
    maxFrameBytes: values.maxFrameBytes,
    sendBufferBytes: values.sendBufferBytes,
    maxHeldBytes: values.maxHeldBytes,
    idleTimeoutMs: values.idleTimeoutMs,
    sessionMaxMs: values.sessionMaxMs,
    maxPerUser: values.socketsPerUser,
    heartbeatsPerMin: values.connectionHeartbeatsPerMin,
    framesPerMin: values.connectionFramesPerMin ?? framesFor(values, 15_000),
  };
}

/** REST gets half of the connections and one user an eighth, so that joins and the engine always have the other half. */
function requestsOf({ dbPoolSize, userRequestsAtOnce }: Values): Config["requests"] {
  const maxAtOnce = Math.max(1, Math.floor(dbPoolSize / 2));
  const maxAtOncePerUser = userRequestsAtOnce === 0 ? maxAtOnce : Math.max(1, Math.floor(maxAtOnce / 4));
  return { maxAtOnce, maxAtOncePerUser, maxPerUser: userRequestsAtOnce };
}

function keysOf({ jwksUrl, publicKeysFile, jwksRefreshMs }: Values): KeysConfig | null {
  if (jwksUrl) return { type: "url", url: jwksUrl, refreshMs: jwksRefreshMs };
  return publicKeysFile ? { type: "file", path: publicKeysFile, refreshMs: jwksRefreshMs } : null;
}
