import type { Limits, Rate } from "./core/ports/limiter.ts";
import { chooseDatabase, type DatabaseConfig } from "./database-settings.ts";
import {
  type Setting,
  type SettingContext,
  type SettingName,
  type SettingValue,
  settings,
} from "./settings.ts";
import { type FormerVariable, formerVariables, misspeltVariables } from "./variable-names.ts";

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

/** The value in force of one setting. */
export interface Reading {
  readonly name: SettingName;
  readonly setting: Setting<unknown>;
  readonly value: unknown;
  readonly source: "default" | `$${string}` | `--${string}`;
  /** The value for people: secrets hidden, `-` for off. */
  readonly shown: string;
}

export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly readings: readonly Reading[];
      readonly warnings: readonly string[];
      /** Misspelt names. serve, dev and the tools refuse them, so only `look` gets any here. */
      readonly misspelt: readonly string[];
      /** Variables of the former service that are set and have no effect here. */
      readonly former: readonly FormerVariable[];
    }
  /** All problems, each with the name, the value and what is allowed. */
  | { readonly ok: false; readonly problems: readonly string[] };

type Values = { readonly [N in SettingName]: SettingValue<N> };

/**
 * Reads the settings from environment and options into one tree. An option wins over its variable; an empty variable counts as not set.
 * Only `serve` must have what serving needs: keys. It refuses Redis, because there is no cluster mode yet.
 */
export function readConfig(
  given: SettingContext & { readonly flags: Readonly<Record<string, string | undefined>> },
): ConfigResult {
  const problems: string[] = [];
  const readings = Object.entries(settings).map(([name, setting]) =>
    readSetting(name as SettingName, setting as Setting<unknown>, given, problems),
  );
  const values = Object.fromEntries(readings.map(({ name, value }) => [name, value])) as unknown as Values;
  const chosen = chooseDatabase(values, given);
  const { certain: misspelt, likely } = misspeltVariables(given.environment);
  const refused = given.purpose === "look" ? [] : misspelt;
  problems.push(...chosen.problems, ...contradictions(values, given), ...refused);
  if (problems.length > 0) return { ok: false, problems };
  const warnings = [...chosen.warnings, ...unusedRedis(given), ...unusedKeys(values, given), ...likely];
  const former = formerVariables(given.environment);
  return { ok: true, config: treeOf(values, chosen.database), readings, warnings, misspelt, former };
}

interface Found {
  readonly source: Exclude<Reading["source"], "default">;
  readonly text: string;
}

function readSetting(
  name: SettingName,
  setting: Setting<unknown>,
  given: SettingContext & { readonly flags: Readonly<Record<string, string | undefined>> },
  problems: string[],
): Reading {
  const found = findTexts(setting, given);
  const chosen = found[0];
  if (!chosen) {
    const value = typeof setting.fallback === "function" ? setting.fallback(given) : setting.fallback;
    return { name, setting, value, source: "default", shown: shown(setting, value) };
  }
  const other = chosen.source.startsWith("$") && found.find(({ text }) => text !== chosen.text);
  if (other) problems.push(`${nameOf(chosen)} and ${nameOf(other)} differ: set only one of them.`);
  const value = setting.kind.parse(chosen.text);
  if (value === undefined) {
    problems.push(
      `${nameOf(chosen)} is ${quoted(setting, chosen.text)}; allowed: ${setting.kind.allowed}.${hintOf(setting, chosen)}`,
    );
  }
  return {
    name,
    setting,
    value,
    source: chosen.source,
    shown: value === undefined ? "" : shown(setting, value),
  };
}

function findTexts(
  setting: Setting<unknown>,
  given: SettingContext & { readonly flags: Readonly<Record<string, string | undefined>> },
): readonly Found[] {
  const found: Found[] = [];
  const flagged = setting.flag && given.flags[setting.flag];
  if (flagged !== undefined && setting.flag) found.push({ source: `--${setting.flag}`, text: flagged });
  for (const variable of setting.variables) {
    const text = given.environment[variable];
    if (text) found.push({ source: `$${variable}`, text });
  }
  return found;
}

function nameOf({ source }: Found): string {
  return source.startsWith("$") ? source.slice(1) : source;
}

function shown(setting: Setting<unknown>, value: unknown): string {
  if (value === null) return "-";
  return setting.isSecret ? "(hidden)" : setting.kind.show(value);
}

/** Quotes a refused value. An address may have a password even when it is wrong. */
function quoted(setting: Setting<unknown>, text: string): string {
  if (setting.isSecret || text.includes("@")) return "not allowed (its value is hidden)";
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

/** Kubernetes sets NAME_PORT=tcp://ip:port for every Service called NAME in the namespace. */
function hintOf({ kind }: Setting<unknown>, { text }: Found): string {
  if (/^tcp:\/\/[\d.:]+$/.test(text))
    return " This looks injected by Kubernetes for a Service of that name: set enableServiceLinks: false in the pod.";
  const reason = kind.reason?.(text);
  return reason ? ` ${reason}` : "";
}

/** Returns settings that contradict each other. A refused value is undefined here, and contradicts nothing. */
function contradictions(values: Values, { purpose, environment }: SettingContext): readonly string[] {
  const problems: string[] = [];
  problems.push(...unknownProtections(environment));
  if (values.jwksUrl && values.publicKeysFile) {
    problems.push("JWT_JWKS_URL and JWT_PUBLIC_KEYS_FILE are both set: set only one of them.");
  }
  if (purpose !== "serve") return problems;
  if (values.jwksUrl === null && values.publicKeysFile === null) {
    problems.push(
      "There are no keys to verify tokens: set JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE (`dev` makes its own).",
    );
  }
  for (const seen of redisVariables(environment)) {
    problems.push(
      `${seen} asks for the cluster mode, which comes in a later version; unset it to run as a single node.`,
    );
  }
  return problems;
}

/** Returns misspelt names of DB_SSL, which must not end in an unencrypted connection. */
function unknownProtections(environment: SettingContext["environment"]): readonly string[] {
  const names = Object.keys(environment).filter(
    (name) => /^(DB|DATABASE)_.*(SSL|TLS|CERT|VERIFY)/i.test(name) && name !== "DB_SSL" && environment[name],
  );
  return names.map(
    (name) => `${name} is not a setting: TLS to PostgreSQL is set by DB_SSL, or by sslmode in DATABASE_URL.`,
  );
}

/** Warns that `dev` makes its own keys and ignores configured ones. */
function unusedKeys({ jwksUrl, publicKeysFile }: Values, { purpose }: SettingContext): readonly string[] {
  if (purpose !== "dev") return [];
  const names = [jwksUrl && "JWT_JWKS_URL", publicKeysFile && "JWT_PUBLIC_KEYS_FILE"].filter(Boolean);
  return names.map((name) => `${name} is ignored here: dev makes its own keys.`);
}

function unusedRedis({ purpose, environment }: SettingContext): readonly string[] {
  const redis = purpose === "serve" ? [] : redisVariables(environment);
  return redis.map((seen) => `${seen} is ignored here: this process runs on its own.`);
}

const redisNames =
  /^REDIS_(URL|MODE|HOST|PORT|DB|USERNAME|PASSWORD|SSL|SENTINELS|MASTER_NAME|SENTINEL_PASSWORD)$/;

function redisVariables(environment: SettingContext["environment"]): readonly string[] {
  return Object.entries(environment).flatMap(([name, text]) =>
    text && redisNames.test(name) ? [`${name}${redisNote(text)}`] : [],
  );
}

function redisNote(text: string): string {
  const isInjected = text.startsWith("tcp://");
  return isInjected
    ? " (it looks injected by Kubernetes for a Service named redis: enableServiceLinks: false in the pod prevents that)"
    : "";
}

function treeOf(values: Values, database: DatabaseConfig): Config {
  return {
    http: { host: values.host, port: values.port },
    admin: values.adminPort === 0 ? null : { host: values.adminHost, port: values.adminPort },
    dataDir: values.dataDir,
    postgresUser: values.postgresUser,
    database,
    connections: {
      poolSize: values.dbPoolSize,
      connectTimeoutMs: values.dbConnectTimeoutMs,
      statementTimeoutMs: values.dbStatementTimeoutMs,
    },
    autoMigrate: values.autoMigrate,
    playground: values.playground,
    docs: values.docs,
    tokens: {
      keys: keysOf(values),
      issuer: values.jwtIssuer,
      audiences: values.jwtAudiences,
      leewayMs: values.jwtLeewayMs,
      maxLifetimeMs: values.jwtMaxLifetimeMs,
      subjectNamespace: values.jwtSubjectNamespace,
    },
    cors: { origins: values.corsOrigins.includes("*") ? "any" : values.corsOrigins },
    log: { level: values.logLevel, format: values.logFormat, security: values.securityLog },
    stopTimeoutMs: values.stopTimeoutMs,
    lanes: { count: values.lanes, maxRows: values.batchRows, maxBytes: values.batchBytes },
    actors: {
      maxActors: values.maxActors,
      maxActorBytes: values.maxActorBytes,
      maxTurnsPerActor: values.maxMailboxTurns,
    },
    commands: {
      commandDeadlineMs: values.commandDeadlineMs,
      maxTurns: values.maxTurns,
      maxTurnBytes: values.maxTurnBytes,
    },
    messages: {
      maxContentBytes: values.maxContentBytes,
      maxMetadataBytes: values.maxMetadataBytes,
      editWindowMs: values.editWindowMs,
      deleteWindowMs: values.deleteWindowMs,
    },
    people: {
      asksFirst: values.firstContact === "request",
      presenceShownTo: values.presenceShownTo,
    },
    sockets: {
      maxFrameBytes: values.maxFrameBytes,
      sendBufferBytes: values.sendBufferBytes,
      maxHeldBytes: values.maxHeldBytes,
      idleTimeoutMs: values.idleTimeoutMs,
      sessionMaxMs: values.sessionMaxMs,
      maxPerUser: values.socketsPerUser,
      heartbeatsPerMin: values.connectionHeartbeatsPerMin,
      framesPerMin: values.connectionFramesPerMin ?? framesFor(values, 15_000),
    },
    requests: requestsOf(values),
    limits: limitsOf(values),
    trustedProxies: values.trustedProxies ?? [],
    maxLoopLatenessMs: values.maxLoopLatenessMs,
  };
}

/** REST gets half of the connections and one user an eighth, so that joins and the engine always have the other half. */
function requestsOf({ dbPoolSize, userRequestsAtOnce }: Values): Config["requests"] {
  const maxAtOnce = Math.max(1, Math.floor(dbPoolSize / 2));
  const maxAtOncePerUser = userRequestsAtOnce === 0 ? maxAtOnce : Math.max(1, Math.floor(maxAtOnce / 4));
  return { maxAtOnce, maxAtOncePerUser, maxPerUser: userRequestsAtOnce };
}

/**
 * Returns the sizes of all budgets (`core/limits/budgets.ts`). A burst is what one user causes at once: opening a long conversation marks
 * each of its messages, and a list joins everything that it shows.
 */
function limitsOf(values: Values): Limits {
  const { connectionOpsPerMin: ops, connectionJoinsPerMin: joins } = values;
  return {
    ...userLimitsOf(values),
    ...pushLimitsOf(values),
    conversation_messages: { perMinute: values.conversationMessagesPerMin, burst: 10 },
    connection_operations: allAtOnce(ops),
    connection_typing: allAtOnce(ops),
    connection_reads: allAtOnce(5 * ops),
    connection_joins: allAtOnce(joins),
    user_frames: framesOf(values.userFramesPerMin ?? framesFor(values, 60_000)),
    user_handshakes: allAtOnce(values.userHandshakesPerMin ?? (values.addressHandshakesPerMin && 120)),
    address_failures: allAtOnce(values.addressHandshakesPerMin),
    process_handshakes: {
      perMinute: 60 * values.handshakesPerSec,
      burst: atLeastOne(values.handshakesPerSec),
    },
  };
}

/** Allows a third at once: an offline queue of 200 messages of the largest size fits, and the 20 most expensive frames delay others by 0.2 s. */
function framesOf(perMinute: number): Rate {
  return { perMinute, burst: atLeastOne(Math.ceil(perMinute / 3)) };
}

/** Messages come in frames, so a higher limit of messages allows their frames too. */
function framesFor({ userMessagesPerMin }: Values, atLeast: number): number {
  return userMessagesPerMin && Math.max(atLeast, 10 * userMessagesPerMin);
}

/** Turns a limit off together with the one that it refines, unless it is set itself: a benchmark that turns one off must not meet the other. */
function userLimitsOf(values: Values) {
  const { connectionOpsPerMin: ops, connectionJoinsPerMin: joins, userMessagesPerMin: messages } = values;
  const userOps = values.userOpsPerMin ?? (ops && 1_000);
  const added = values.userMembersAddedPerMin ?? (messages && 500);
  const pairs = values.pairMembershipsPerHour ?? (messages && 30);
  return {
    user_messages: { perMinute: messages, burst: values.userMessagesBurst },
    user_operations: allAtOnce(userOps),
    user_typing: allAtOnce(userOps && 2 * ops),
    user_marks: allAtOnce(5 * userOps),
    user_reads: allAtOnce(values.userReadKbPerMin ?? (ops && 120_000)),
    user_backlog: allAtOnce(values.userReadKbPerMin ?? (ops && 120_000)),
    user_joins: allAtOnce(values.userJoinsPerMin ?? (joins && 20_000)),
    user_members_added: { perMinute: added, burst: atLeastOne(4 * added) },
    pair_memberships: { perMinute: pairs / 60, burst: atLeastOne(pairs) },
  };
}

/**
 * `user_pushed`: 45 MB a minute are 60 % of a line of 10 Mbit/s, and the burst fits into the send buffer of a socket, so one user cannot
 * cause sockets of others to be closed. Both grow with the allowed messages.
 */
function pushLimitsOf(values: Values) {
  const { userMessagesPerMin: messages, userMessagesBurst, sendBufferBytes } = values;
  const perMessage = messages && Math.max(1, messages / 100);
  const pushed = 1_000 * (values.userPushedKbPerMin ?? 45_000 * perMessage);
  const delivered = 1_000_000 * (values.userDeliveredMbPerMin ?? 256 * perMessage);
  return {
    user_pushed: {
      perMinute: pushed,
      burst: 0.8 * Math.max(1 << 20, sendBufferBytes) * Math.max(1, userMessagesBurst / 200),
    },
    user_delivered: allAtOnce(delivered),
  };
}

/** Allows the amount of a minute at once. */
function allAtOnce(perMinute: number): Rate {
  return { perMinute, burst: atLeastOne(perMinute) };
}

function atLeastOne(burst: number): number {
  return Math.max(1, burst);
}

function keysOf({ jwksUrl, publicKeysFile, jwksRefreshMs }: Values): KeysConfig | null {
  if (jwksUrl) return { type: "url", url: jwksUrl, refreshMs: jwksRefreshMs };
  return publicKeysFile ? { type: "file", path: publicKeysFile, refreshMs: jwksRefreshMs } : null;
}
