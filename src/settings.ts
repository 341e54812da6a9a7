import { join } from "node:path";
import {
  choice,
  databaseHost,
  databaseUrl,
  duration,
  durationOrOff,
  flag,
  integer,
  list,
  listenHost,
  networks,
  origins,
  text,
  url,
  uuid,
  type ValueKind,
} from "./setting-values.ts";
import type { AddressParts } from "./store/connections/database-address.ts";

/** The facts on which a default may depend. */
export interface SettingContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `look`: for a command that shows what is wrong instead of refusing it. */
  readonly purpose: "serve" | "dev" | "tool" | "look";
  readonly isTerminal: boolean;
}

export interface Setting<T> {
  /** When several are set, the first wins; two that differ are refused. */
  readonly variables: readonly [string, ...string[]];
  /** The option of `serve` and `dev`, without its dashes. */
  readonly flag?: string;
  readonly kind: ValueKind<T>;
  readonly fallback: T | null | ((around: SettingContext) => T);
  /** The fallback in words, where it is not the same everywhere. */
  readonly fallbackText?: string;
  readonly about: string;
  /** The value is never shown, not even when it is refused. */
  readonly isSecret?: true;
}

interface Present<T> extends Setting<T> {
  readonly fallback: T | ((around: SettingContext) => T);
}

interface Optional<T> extends Setting<T> {
  readonly fallback: null;
}

function setting<T>(given: Present<T>): Present<T> {
  return given;
}

/** Not set: off, or derived from another setting. */
function optional<T>(given: Omit<Optional<T>, "fallback">): Optional<T> {
  return { ...given, fallback: null };
}

/** A rate; 0 turns it off. */
const rate = integer(0, 1_000_000);

const loopback = "127.0.0.1";
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function dataHome({ environment }: SettingContext): string {
  const { XDG_DATA_HOME: dataDir, HOME: home } = environment;
  if (dataDir) return join(dataDir, "whispr-msg");
  return home ? join(home, ".local/share/whispr-msg") : "./whispr-data";
}

const levels = {
  trace: "trace",
  debug: "debug",
  info: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  fatal: "fatal",
  critical: "fatal",
} as const;

/** Every setting. A new one is an entry here and one in the tree of config.ts; docs/settings.md is written from this table. */
export const settings = {
  host: setting({
    variables: ["HOST"],
    flag: "host",
    kind: listenHost,
    fallback: ({ purpose }) => (purpose === "dev" ? loopback : "0.0.0.0"),
    fallbackText: "0.0.0.0, for dev 127.0.0.1",
    about: "address that the public port listens on",
  }),
  port: setting({
    variables: ["PORT", "HTTP_PORT"],
    flag: "port",
    kind: integer(0, 65_535),
    fallback: 4000,
    about: "public port, for HTTP and WebSocket; 0 = any free port",
  }),
  adminHost: setting({
    variables: ["ADMIN_HOST"],
    flag: "admin-host",
    kind: listenHost,
    fallback: loopback,
    about: "address of the admin listener (/metrics)",
  }),
  adminPort: setting({
    variables: ["ADMIN_PORT"],
    flag: "admin-port",
    kind: integer(0, 65_535),
    fallback: 9464,
    about: "port of the admin listener, 0 = off",
  }),
  dataDir: setting({
    variables: ["WHISPR_DATA_DIR"],
    flag: "data-dir",
    kind: text,
    fallback: dataHome,
    fallbackText: "$XDG_DATA_HOME/whispr-msg, else $HOME/.local/share/whispr-msg, else ./whispr-data",
    about: "directory of the embedded database",
  }),
  postgresUser: optional<string>({
    variables: ["WHISPR_POSTGRES_USER"],
    kind: text,
    fallbackText: "the account whispr-msg, else a uid without an account",
    about: "account or uid that the embedded PostgreSQL runs as when root starts whispr-msg",
  }),
  databaseUrl: optional<AddressParts>({
    variables: ["DATABASE_URL"],
    flag: "database-url",
    kind: databaseUrl,
    fallbackText: "the embedded PostgreSQL",
    about: "address of your PostgreSQL; DB_* supply what it leaves out, and must agree where both are set",
  }),
  dbHost: optional<string>({
    variables: ["DB_HOST"],
    kind: databaseHost,
    about: "host of your PostgreSQL, or the directory of its Unix socket",
  }),
  dbPort: setting({
    variables: ["DB_PORT"],
    kind: integer(1, 65_535),
    fallback: 5432,
    about: "port of your PostgreSQL",
  }),
  dbUsername: setting({
    variables: ["DB_USERNAME"],
    kind: text,
    fallback: "postgres",
    about: "user that connects to it",
  }),
  dbPassword: optional<string>({
    variables: ["DB_PASSWORD"],
    kind: text,
    about: "password of that user",
    isSecret: true,
  }),
  dbName: optional<string>({
    variables: ["DB_NAME"],
    kind: text,
    about: "database to use; required with DB_HOST",
  }),
  dbSsl: setting<"verify" | "no-verify" | "off">({
    variables: ["DB_SSL"],
    kind: choice({
      true: "verify",
      "1": "verify",
      verify: "verify",
      false: "off",
      "0": "off",
      off: "off",
      "no-verify": "no-verify",
    }),
    fallback: "off",
    about: "TLS to PostgreSQL; verify also checks the certificate",
  }),
  dbPoolSize: setting({
    variables: ["DB_POOL_SIZE"],
    kind: integer(2, 500),
    fallback: 10,
    about: "connections for reads; REST uses at most half of them. Each lane has its own connection",
  }),
  dbConnectTimeoutMs: setting({
    variables: ["DB_CONNECT_TIMEOUT"],
    kind: duration(100, minuteMs),
    fallback: 5_000,
    about: "longest wait for a connection",
  }),
  dbStatementTimeoutMs: setting({
    variables: ["DB_STATEMENT_TIMEOUT"],
    kind: duration(100, 10 * minuteMs),
    fallback: 5_000,
    about: "longest time that a statement may run",
  }),
  autoMigrate: setting({
    variables: ["WHISPR_AUTO_MIGRATE"],
    flag: "auto-migrate",
    kind: flag,
    fallback: false,
    about: "let serve apply pending migrations; with the embedded database, and in dev, it always does",
  }),
  jwksUrl: optional<string>({
    variables: ["JWT_JWKS_URL"],
    flag: "jwks-url",
    kind: url(["http:", "https:"]),
    about: "address of the public keys (JWKS) that verify tokens",
  }),
  publicKeysFile: optional<string>({
    variables: ["JWT_PUBLIC_KEYS_FILE"],
    flag: "public-keys-file",
    kind: text,
    about: "file with these keys instead: JWKS or PEM",
  }),
  jwksRefreshMs: setting({
    variables: ["JWT_JWKS_REFRESH_MS"],
    kind: duration(1_000, 7 * 24 * hourMs),
    fallback: hourMs,
    about:
      "how often the keys are read again, a file at least every 30 s; a token that they do not verify causes a read at once",
  }),
  jwtIssuer: setting({
    variables: ["JWT_ISSUER"],
    kind: text,
    fallback: "whispr-auth",
    about: "issuer (iss) that tokens must have",
  }),
  jwtAudiences: setting<readonly string[]>({
    variables: ["JWT_AUDIENCE"],
    kind: list,
    fallback: ["whispr"],
    about: "audiences (aud), separated by commas; a token must have one of them",
  }),
  jwtLeewayMs: setting({
    variables: ["JWT_LEEWAY"],
    kind: duration(0, 5 * minuteMs),
    fallback: 5_000,
    about: "how far the issuer's clock may be ahead, for nbf and iat; exp has no leeway",
  }),
  jwtMaxLifetimeMs: setting({
    variables: ["JWT_MAX_LIFETIME"],
    kind: duration(minuteMs, 3_660 * 24 * hourMs),
    fallback: 366 * 24 * hourMs,
    about: "how far in the future exp may be; a token that is valid for longer is refused",
  }),
  jwtSubjectNamespace: optional<string>({
    variables: ["JWT_SUBJECT_NAMESPACE"],
    flag: "subject-namespace",
    kind: uuid,
    fallbackText: "subjects that are not UUIDs are refused",
    about:
      "accept subjects that are not UUIDs: each becomes the user id UUIDv5(this namespace, subject). Another namespace makes every such user a new user",
  }),
  corsOrigins: setting<readonly string[]>({
    variables: ["CORS_ALLOWED_ORIGINS"],
    kind: origins,
    fallback: ["*"],
    about: "origins of web pages that may call the API and open sockets",
  }),
  logLevel: setting<(typeof levels)[keyof typeof levels]>({
    variables: ["LOG_LEVEL"],
    flag: "log-level",
    kind: choice(levels),
    fallback: "info",
    about: "minimum log level",
  }),
  logFormat: setting<"json" | "pretty">({
    variables: ["LOG_FORMAT"],
    flag: "log-format",
    kind: choice({ json: "json", pretty: "pretty" }),
    fallback: ({ isTerminal }) => (isTerminal ? "pretty" : "json"),
    fallbackText: "pretty on a terminal, else json",
    about: "format of the log on stdout",
  }),
  securityLog: setting({
    variables: ["WHISPR_SECURITY_LOG"],
    kind: flag,
    fallback: true,
    about: 'write the security log (lines with "log":"security"), at every LOG_LEVEL',
  }),
  stopTimeoutMs: setting({
    variables: ["WHISPR_STOP_TIMEOUT"],
    flag: "stop-timeout",
    kind: duration(100, hourMs),
    fallback: 25_000,
    about: "how long a stop may take; then the rest is cut off",
  }),
  lanes: setting({
    variables: ["WHISPR_LANES"],
    kind: integer(1, 16),
    fallback: 1,
    about: "connections that commit; one is enough for two cores",
  }),
  batchRows: setting({
    variables: ["WHISPR_BATCH_ROWS"],
    kind: integer(1, 5_000),
    fallback: 500,
    about: "maximum rows in one commit",
  }),
  batchBytes: setting({
    variables: ["WHISPR_BATCH_BYTES"],
    kind: integer(65_536, 64 << 20),
    fallback: 4 << 20,
    about: "maximum bytes of content and metadata in one commit",
  }),
  maxActors: setting({
    variables: ["WHISPR_MAX_ACTORS"],
    kind: integer(1, 5_000_000),
    fallback: 50_000,
    about: "maximum conversations in memory",
  }),
  maxActorBytes: setting({
    variables: ["WHISPR_MAX_ACTOR_BYTES"],
    kind: integer(1 << 20, 64 * (1 << 30)),
    fallback: 256 << 20,
    about: "approximate maximum bytes of all conversations in memory; the least recently used leave first",
  }),
  maxMailboxTurns: setting({
    variables: ["WHISPR_MAX_MAILBOX"],
    kind: integer(1, 1_000_000),
    fallback: 2_000,
    about: "maximum unsettled commands of one conversation; above it `overloaded`",
  }),
  maxTurns: setting({
    variables: ["WHISPR_MAX_COMMANDS"],
    kind: integer(1, 10_000_000),
    fallback: 50_000,
    about: "maximum unsettled commands of the process; above it `overloaded`",
  }),
  maxTurnBytes: setting({
    variables: ["WHISPR_MAX_COMMAND_BYTES"],
    kind: integer(1 << 20, 1 << 30),
    fallback: 128 << 20,
    about: "maximum bytes of content and metadata in unsettled commands; above it `overloaded`",
  }),
  commandDeadlineMs: setting({
    variables: ["WHISPR_COMMAND_DEADLINE"],
    kind: duration(100, 10 * minuteMs),
    fallback: 8_000,
    about: "how long a command may wait for its commit",
  }),
  maxContentBytes: setting({
    variables: ["MAX_MESSAGE_SIZE"],
    kind: integer(1, 262_144),
    fallback: 65_536,
    about: "maximum bytes of UTF-8 in the content of a message",
  }),
  maxMetadataBytes: setting({
    variables: ["WHISPR_MAX_METADATA_SIZE"],
    kind: integer(2, 131_072),
    fallback: 16_384,
    about: "maximum bytes of the metadata of a message",
  }),
  editWindowMs: setting({
    variables: ["WHISPR_EDIT_WINDOW"],
    kind: duration(0, 365 * 24 * hourMs),
    fallback: 24 * hourMs,
    about: "how long authors may edit a message after they sent it",
  }),
  deleteWindowMs: setting({
    variables: ["WHISPR_DELETE_WINDOW"],
    kind: duration(0, 365 * 24 * hourMs),
    fallback: 48 * hourMs,
    about: "how long authors may delete a message for everyone after they sent it",
  }),
  firstContact: setting<"open" | "request">({
    variables: ["FIRST_CONTACT"],
    kind: choice({ open: "open", request: "request" }),
    fallback: "open",
    about:
      "request: users who share no conversation with its creator that they chose to be in may accept or decline a new conversation first",
  }),
  presenceShownTo: setting<"participants" | "members">({
    variables: ["PRESENCE_SHOWN_TO"],
    kind: choice({ participants: "participants", members: "members" }),
    fallback: "participants",
    about:
      "who is visible as online in a conversation: those who created it, took part in it or accepted it (participants), or all members; never across a block",
  }),
  maxFrameBytes: setting({
    variables: ["WHISPR_MAX_FRAME_SIZE"],
    kind: integer(65_536, 16 << 20),
    fallback: 512 << 10,
    about:
      "maximum bytes of a WebSocket frame or request body; a frame of more than four times this closes its socket",
  }),
  sendBufferBytes: setting({
    variables: ["WHISPR_SEND_BUFFER"],
    kind: integer(65_536, 64 << 20),
    fallback: 1 << 20,
    about:
      "maximum bytes that wait for a slow socket; above it the socket is closed, and the client may resume",
  }),
  maxHeldBytes: setting({
    variables: ["WHISPR_MAX_HELD_BYTES"],
    kind: integer(8 << 20, 2 ** 40),
    fallback: 128 << 20,
    about:
      "maximum bytes held for clients that read or send slowly, separately for REST responses, sockets and request bodies; above it the client that holds most is refused or cut off",
  }),
  idleTimeoutMs: setting({
    variables: ["WS_IDLE_TIMEOUT"],
    kind: duration(1_000, hourMs),
    fallback: 90_000,
    about: "how long a socket may send nothing before it is closed",
  }),
  sessionMaxMs: setting({
    variables: ["WS_SESSION_MAX"],
    kind: duration(minuteMs, 30 * 24 * hourMs),
    fallback: 12 * hourMs,
    about: "longest life of a socket that was opened with a token of audience ws",
  }),
  userMessagesPerMin: setting({
    variables: ["LIMIT_USER_MESSAGES_PER_MIN"],
    kind: rate,
    fallback: 100,
    about: "messages per minute of one user, 0 = off; above it `rate_limited`, as with every limit",
  }),
  userMessagesBurst: setting({
    variables: ["LIMIT_USER_MESSAGES_BURST"],
    kind: integer(1, 1_000_000),
    fallback: 200,
    about: "how many of them may come at once; a repeated send counts as an operation instead",
  }),
  conversationMessagesPerMin: setting({
    variables: ["LIMIT_CONVERSATION_MESSAGES_PER_MIN"],
    kind: rate,
    fallback: 30,
    about: "messages per minute of one user into one group of more than 50 members, 0 = off",
  }),
  connectionOpsPerMin: setting({
    variables: ["LIMIT_CONNECTION_OPS_PER_MIN"],
    kind: rate,
    fallback: 200,
    about: "operations per minute on one socket, 0 = off; typing and reads are counted separately",
  }),
  userOpsPerMin: optional<number>({
    variables: ["LIMIT_USER_OPS_PER_MIN"],
    kind: rate,
    fallbackText: "1000, off where LIMIT_CONNECTION_OPS_PER_MIN is 0",
    about:
      "operations per minute of one user over REST and all sockets, 0 = off; marks are counted separately, with five times as many allowed",
  }),
  userReadKbPerMin: optional<number>({
    variables: ["LIMIT_USER_READ_KB_PER_MIN"],
    kind: rate,
    fallbackText: "120000, off where LIMIT_CONNECTION_OPS_PER_MIN is 0",
    about: "kB per minute that one user reads; a read counts as at least 8 kB; 0 = off",
  }),
  userJoinsPerMin: optional<number>({
    variables: ["LIMIT_USER_JOINS_PER_MIN"],
    kind: rate,
    fallbackText: "20000, off where LIMIT_CONNECTION_JOINS_PER_MIN is 0",
    about: "joins and leaves per minute of one user on all sockets, 0 = off",
  }),
  userMembersAddedPerMin: optional<number>({
    variables: ["LIMIT_USER_MEMBERS_ADDED_PER_MIN"],
    kind: rate,
    fallbackText: "500, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about: "users per minute whom one user adds to conversations, four times as many at once, 0 = off",
  }),
  pairMembershipsPerHour: optional<number>({
    variables: ["LIMIT_PAIR_MEMBERSHIPS_PER_HOUR"],
    kind: rate,
    fallbackText: "30, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about: "groups per hour to which one user adds the same other user, 0 = off",
  }),
  userPushedKbPerMin: optional<number>({
    variables: ["LIMIT_USER_PUSHED_KB_PER_MIN"],
    kind: rate,
    fallbackText: "450 for each of LIMIT_USER_MESSAGES_PER_MIN, at least 45000, off where that is 0",
    about:
      "kB per minute that one user causes on each socket that listens, 0 = off; at once 0.8 of WHISPR_SEND_BUFFER",
  }),
  userDeliveredMbPerMin: optional<number>({
    variables: ["LIMIT_USER_DELIVERED_MB_PER_MIN"],
    kind: rate,
    fallbackText: "2.56 for each of LIMIT_USER_MESSAGES_PER_MIN, at least 256, off where that is 0",
    about: "MB per minute that one user causes for all members together, 0 = off",
  }),
  connectionJoinsPerMin: setting({
    variables: ["LIMIT_CONNECTION_JOINS_PER_MIN"],
    kind: rate,
    fallback: 5_000,
    about: "joins and leaves per minute on one socket, 0 = off",
  }),
  userRequestsAtOnce: setting({
    variables: ["LIMIT_USER_REQUESTS_AT_ONCE"],
    kind: rate,
    fallback: 300,
    about: "reads and creations of one user over REST that run or wait, 0 = off",
  }),
  connectionHeartbeatsPerMin: setting({
    variables: ["LIMIT_CONNECTION_HEARTBEATS_PER_MIN"],
    kind: rate,
    fallback: 1_000,
    about:
      "heartbeats, malformed frames and oversized frames per minute on one socket, counted like frames, 0 = off; above it the socket is closed",
  }),
  connectionFramesPerMin: optional<number>({
    variables: ["LIMIT_CONNECTION_FRAMES_PER_MIN"],
    kind: rate,
    fallbackText: "15000 or 10 for each message allowed, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about:
      "frames per minute on one socket, each counted once more for every KiB, before it is read; 0 = off; above it the socket is closed",
  }),
  userFramesPerMin: optional<number>({
    variables: ["LIMIT_USER_FRAMES_PER_MIN"],
    kind: rate,
    fallbackText: "60000 or 10 for each message allowed, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about:
      "the same for all sockets and the request bodies (per KiB) of one user, a third of them at once, 0 = off; above it the socket is closed, and a request gets 429",
  }),
  addressHandshakesPerMin: setting({
    variables: ["LIMIT_HANDSHAKES_PER_MIN_PER_IP"],
    kind: rate,
    fallback: 120,
    about:
      "handshakes and requests per minute from one address with a token that none of our keys signed, 0 = off; above it they get 429, and tokens from there are verified a few at a time",
  }),
  userHandshakesPerMin: optional<number>({
    variables: ["LIMIT_HANDSHAKES_PER_MIN_PER_USER"],
    kind: rate,
    fallbackText: "120, off where LIMIT_HANDSHAKES_PER_MIN_PER_IP is 0",
    about: "sockets per minute that one user opens, 0 = off; above it 429",
  }),
  socketsPerUser: setting({
    variables: ["LIMIT_SOCKETS_PER_USER"],
    kind: rate,
    fallback: 100,
    about: "sockets that one user may have open, 0 = off; above it 429",
  }),
  handshakesPerSec: setting({
    variables: ["LIMIT_HANDSHAKES_PER_SEC"],
    kind: rate,
    fallback: 0,
    about:
      "sockets opened per second, 0 = off; above it 503. When it is off, the server admits as many as it measures that it can take",
  }),
  playground: setting({
    variables: ["WHISPR_PLAYGROUND"],
    flag: "playground",
    kind: flag,
    fallback: ({ purpose }) => purpose === "dev",
    fallbackText: "off, for dev on",
    about: "serve the playground at /playground, a page to try everything out",
  }),
  docs: setting({
    variables: ["WHISPR_DOCS"],
    flag: "docs",
    kind: flag,
    fallback: ({ purpose }) => purpose === "dev",
    fallbackText: "off, for dev on",
    about: "serve the API reference at /docs, a page that shows /openapi.json and /asyncapi.json",
  }),
  trustedProxies: optional<readonly string[]>({
    variables: ["TRUSTED_PROXIES"],
    kind: networks,
    about:
      "addresses and networks of proxies whose x-forwarded-for is trusted; without it all clients behind a proxy count as one address",
  }),
  maxLoopLatenessMs: setting({
    variables: ["WHISPR_MAX_LOOP_LATENESS"],
    kind: durationOrOff(20, minuteMs),
    fallback: 200,
    about:
      "how late the event loop may be, 0 = off; above it requests are `overloaded`, typing at half of it",
  }),
} as const;

export type SettingName = keyof typeof settings;
export type SettingValue<N extends SettingName> =
  (typeof settings)[N] extends Optional<infer T>
    ? T | null
    : (typeof settings)[N] extends Present<infer T>
      ? T
      : never;

/** The parsed value of every setting. */
export type Values = { readonly [N in SettingName]: SettingValue<N> };
