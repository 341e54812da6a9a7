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

/** What a default may depend on. */
export interface SettingContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `look`: for a command that shows what is wrong instead of refusing it. */
  readonly purpose: "serve" | "dev" | "tool" | "look";
  readonly isTerminal: boolean;
}

export interface Setting<T> {
  /** Where several are named the first wins; two that differ are refused. */
  readonly variables: readonly [string, ...string[]];
  /** The option of `serve` and `dev`, without its dashes. */
  readonly flag?: string;
  readonly kind: ValueKind<T>;
  readonly fallback: T | null | ((around: SettingContext) => T);
  /** What the fallback is in words, where it is not the same everywhere. */
  readonly fallbackText?: string;
  readonly about: string;
  /** Its value is never shown, not even when it is refused. */
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

/** Not given: off, or chosen by another setting. */
function optional<T>(given: Omit<Optional<T>, "fallback">): Optional<T> {
  return { ...given, fallback: null };
}

/** A rate that may be switched off. */
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

/** Every setting there is. A new one is a line here and one in the tree of config.ts. */
export const settings = {
  host: setting({
    variables: ["HOST"],
    flag: "host",
    kind: listenHost,
    fallback: ({ purpose }) => (purpose === "dev" ? loopback : "0.0.0.0"),
    fallbackText: "0.0.0.0, for dev 127.0.0.1",
    about: "address the public port listens on",
  }),
  port: setting({
    variables: ["PORT", "HTTP_PORT"],
    flag: "port",
    kind: integer(0, 65_535),
    fallback: 4000,
    about: "public port, HTTP and WebSocket (0: any free one)",
  }),
  adminHost: setting({
    variables: ["ADMIN_HOST"],
    flag: "admin-host",
    kind: listenHost,
    fallback: loopback,
    about: "address of the operators' listener (/metrics)",
  }),
  adminPort: setting({
    variables: ["ADMIN_PORT"],
    flag: "admin-port",
    kind: integer(0, 65_535),
    fallback: 9464,
    about: "port of the operators' listener, 0 = off",
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
    fallbackText: "the account whispr-msg, else a number that no account has",
    about:
      "who the embedded PostgreSQL runs as when root starts whispr-msg: an account of its own, or a number",
  }),
  databaseUrl: optional<AddressParts>({
    variables: ["DATABASE_URL"],
    flag: "database-url",
    kind: databaseUrl,
    fallbackText: "the embedded PostgreSQL",
    about:
      "a PostgreSQL of yours; what it leaves out is taken from DB_*, and where both say it they must agree",
  }),
  dbHost: optional<string>({
    variables: ["DB_HOST"],
    kind: databaseHost,
    about: "host of a PostgreSQL of yours, or the directory of its Unix socket",
  }),
  dbPort: setting({
    variables: ["DB_PORT"],
    kind: integer(1, 65_535),
    fallback: 5432,
    about: "its port",
  }),
  dbUsername: setting({
    variables: ["DB_USERNAME"],
    kind: text,
    fallback: "postgres",
    about: "user to connect as",
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
    about: "database to use, needed with DB_HOST",
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
    about: "TLS to PostgreSQL; verify checks its certificate",
  }),
  dbPoolSize: setting({
    variables: ["DB_POOL_SIZE"],
    kind: integer(2, 500),
    fallback: 10,
    about: "connections for reads, of which REST uses at most half; each lane has one of its own",
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
    about: "longest run of one statement",
  }),
  autoMigrate: setting({
    variables: ["WHISPR_AUTO_MIGRATE"],
    flag: "auto-migrate",
    kind: flag,
    fallback: false,
    about: "serve applies pending migrations itself; embedded and dev always do",
  }),
  jwksUrl: optional<string>({
    variables: ["JWT_JWKS_URL"],
    flag: "jwks-url",
    kind: url(["http:", "https:"]),
    about: "where the keys that tokens are verified with are published",
  }),
  publicKeysFile: optional<string>({
    variables: ["JWT_PUBLIC_KEYS_FILE"],
    flag: "public-keys-file",
    kind: text,
    about: "the same keys in a file: JWKS or PEM",
  }),
  jwksRefreshMs: setting({
    variables: ["JWT_JWKS_REFRESH_MS"],
    kind: duration(1_000, 7 * 24 * hourMs),
    fallback: hourMs,
    about:
      "how often the keys are read again (a file at least every 30 s); a token that they do not verify reads them at once",
  }),
  jwtIssuer: setting({
    variables: ["JWT_ISSUER"],
    kind: text,
    fallback: "whispr-auth",
    about: "issuer that tokens must name",
  }),
  jwtAudiences: setting<readonly string[]>({
    variables: ["JWT_AUDIENCE"],
    kind: list,
    fallback: ["whispr"],
    about: "audiences of which tokens must name one, separated by commas",
  }),
  jwtLeewayMs: setting({
    variables: ["JWT_LEEWAY"],
    kind: duration(0, 5 * minuteMs),
    fallback: 5_000,
    about: "how far the issuer's clock may be ahead of ours, for nbf and iat; exp has no leeway",
  }),
  jwtMaxLifetimeMs: setting({
    variables: ["JWT_MAX_LIFETIME"],
    kind: duration(minuteMs, 3_660 * 24 * hourMs),
    fallback: 366 * 24 * hourMs,
    about: "how far ahead the exp of a token may be; a token that is valid for longer is refused",
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
    about: "browser origins that may call",
  }),
  logLevel: setting<(typeof levels)[keyof typeof levels]>({
    variables: ["LOG_LEVEL"],
    flag: "log-level",
    kind: choice(levels),
    fallback: "info",
    about: "least important lines that are written",
  }),
  logFormat: setting<"json" | "pretty">({
    variables: ["LOG_FORMAT"],
    flag: "log-format",
    kind: choice({ json: "json", pretty: "pretty" }),
    fallback: ({ isTerminal }) => (isTerminal ? "pretty" : "json"),
    fallbackText: "pretty on a terminal, else json",
    about: "form of the log on stdout",
  }),
  securityLog: setting({
    variables: ["WHISPR_SECURITY_LOG"],
    kind: flag,
    fallback: true,
    about: 'write the security log, lines with "log":"security", whatever LOG_LEVEL is',
  }),
  stopTimeoutMs: setting({
    variables: ["WHISPR_STOP_TIMEOUT"],
    flag: "stop-timeout",
    kind: duration(100, hourMs),
    fallback: 25_000,
    about: "how long a stop may take before what is left is cut off",
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
    about: "most rows of one commit",
  }),
  batchBytes: setting({
    variables: ["WHISPR_BATCH_BYTES"],
    kind: integer(65_536, 64 << 20),
    fallback: 4 << 20,
    about: "most bytes of content and metadata in one commit",
  }),
  maxActors: setting({
    variables: ["WHISPR_MAX_ACTORS"],
    kind: integer(1, 5_000_000),
    fallback: 50_000,
    about: "most conversations in memory",
  }),
  maxActorBytes: setting({
    variables: ["WHISPR_MAX_ACTOR_BYTES"],
    kind: integer(1 << 20, 64 * (1 << 30)),
    fallback: 256 << 20,
    about: "most bytes that conversations in memory take, about; those that are used least leave first",
  }),
  maxMailboxTurns: setting({
    variables: ["WHISPR_MAX_MAILBOX"],
    kind: integer(1, 1_000_000),
    fallback: 2_000,
    about: "most unsettled commands of one conversation; beyond it `overloaded`",
  }),
  maxTurns: setting({
    variables: ["WHISPR_MAX_COMMANDS"],
    kind: integer(1, 10_000_000),
    fallback: 50_000,
    about: "most unsettled commands of the process; beyond it `overloaded`",
  }),
  maxTurnBytes: setting({
    variables: ["WHISPR_MAX_COMMAND_BYTES"],
    kind: integer(1 << 20, 1 << 30),
    fallback: 128 << 20,
    about: "most bytes of content and metadata in unsettled commands; beyond it `overloaded`",
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
    about: "most bytes of UTF-8 in a message's content",
  }),
  maxMetadataBytes: setting({
    variables: ["WHISPR_MAX_METADATA_SIZE"],
    kind: integer(2, 131_072),
    fallback: 16_384,
    about: "most bytes of a message's metadata",
  }),
  editWindowMs: setting({
    variables: ["WHISPR_EDIT_WINDOW"],
    kind: duration(0, 365 * 24 * hourMs),
    fallback: 24 * hourMs,
    about: "how long after it was sent a message may be edited by its author",
  }),
  deleteWindowMs: setting({
    variables: ["WHISPR_DELETE_WINDOW"],
    kind: duration(0, 365 * 24 * hourMs),
    fallback: 48 * hourMs,
    about: "how long after it was sent a message may be deleted for everyone by its author",
  }),
  firstContact: setting<"open" | "request">({
    variables: ["FIRST_CONTACT"],
    kind: choice({ open: "open", request: "request" }),
    fallback: "open",
    about:
      "request: a conversation with users who share none with its creator that they chose to be in is theirs to accept or decline first",
  }),
  presenceShownTo: setting<"participants" | "members">({
    variables: ["PRESENCE_SHOWN_TO"],
    kind: choice({ participants: "participants", members: "members" }),
    fallback: "participants",
    about:
      "who shows as online in a conversation: those who created it, took part in it or accepted it, or all members; never to users with a block between them",
  }),
  maxFrameBytes: setting({
    variables: ["WHISPR_MAX_FRAME_SIZE"],
    kind: integer(65_536, 16 << 20),
    fallback: 512 << 10,
    about:
      "most bytes of a WebSocket frame or request body; a frame of over four times this closes its socket",
  }),
  sendBufferBytes: setting({
    variables: ["WHISPR_SEND_BUFFER"],
    kind: integer(65_536, 64 << 20),
    fallback: 1 << 20,
    about: "bytes that may wait for a slow socket; beyond it the socket is closed and may resume",
  }),
  maxHeldBytes: setting({
    variables: ["WHISPR_MAX_HELD_BYTES"],
    kind: integer(8 << 20, 2 ** 40),
    fallback: 128 << 20,
    about:
      "most bytes held for clients that read or send slowly: of answers over REST, of sockets and of request bodies, each; beyond it whoever holds most is refused or cut off",
  }),
  idleTimeoutMs: setting({
    variables: ["WS_IDLE_TIMEOUT"],
    kind: duration(1_000, hourMs),
    fallback: 90_000,
    about: "a socket from which nothing came for so long is closed",
  }),
  sessionMaxMs: setting({
    variables: ["WS_SESSION_MAX"],
    kind: duration(minuteMs, 30 * 24 * hourMs),
    fallback: 12 * hourMs,
    about: "longest life of a socket opened with a token of audience ws",
  }),
  userMessagesPerMin: setting({
    variables: ["LIMIT_USER_MESSAGES_PER_MIN"],
    kind: rate,
    fallback: 100,
    about: "messages of one user in a minute, 0 = off; beyond it `rate_limited`, as with every limit",
  }),
  userMessagesBurst: setting({
    variables: ["LIMIT_USER_MESSAGES_BURST"],
    kind: integer(1, 1_000_000),
    fallback: 200,
    about: "how many of them may come at once; repeated sends count as operations instead",
  }),
  conversationMessagesPerMin: setting({
    variables: ["LIMIT_CONVERSATION_MESSAGES_PER_MIN"],
    kind: rate,
    fallback: 30,
    about: "messages of one user into one group of more than 50 members in a minute, 0 = off",
  }),
  connectionOpsPerMin: setting({
    variables: ["LIMIT_CONNECTION_OPS_PER_MIN"],
    kind: rate,
    fallback: 200,
    about: "operations on one socket in a minute, 0 = off; typing and reads are counted apart",
  }),
  userOpsPerMin: optional<number>({
    variables: ["LIMIT_USER_OPS_PER_MIN"],
    kind: rate,
    fallbackText: "1000, off where LIMIT_CONNECTION_OPS_PER_MIN is 0",
    about:
      "operations of one user at all doors in a minute, 0 = off; marks are counted apart, five times as many",
  }),
  userReadKbPerMin: optional<number>({
    variables: ["LIMIT_USER_READ_KB_PER_MIN"],
    kind: rate,
    fallbackText: "120000, off where LIMIT_CONNECTION_OPS_PER_MIN is 0",
    about: "kB of answers to what one user reads in a minute, a read counts as 8 kB at least, 0 = off",
  }),
  userJoinsPerMin: optional<number>({
    variables: ["LIMIT_USER_JOINS_PER_MIN"],
    kind: rate,
    fallbackText: "20000, off where LIMIT_CONNECTION_JOINS_PER_MIN is 0",
    about: "joins and leaves of one user on all sockets in a minute, 0 = off",
  }),
  userMembersAddedPerMin: optional<number>({
    variables: ["LIMIT_USER_MEMBERS_ADDED_PER_MIN"],
    kind: rate,
    fallbackText: "500, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about: "people whom one user brings into conversations in a minute, four times as many at once, 0 = off",
  }),
  pairMembershipsPerHour: optional<number>({
    variables: ["LIMIT_PAIR_MEMBERSHIPS_PER_HOUR"],
    kind: rate,
    fallbackText: "30, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about: "groups that one user brings the same other user into in an hour, 0 = off",
  }),
  userPushedKbPerMin: optional<number>({
    variables: ["LIMIT_USER_PUSHED_KB_PER_MIN"],
    kind: rate,
    fallbackText: "450 for each of LIMIT_USER_MESSAGES_PER_MIN, 45000 at least, off where that is 0",
    about:
      "kB that one user causes on each socket that listens, in a minute, 0 = off; at once 0.8 of WHISPR_SEND_BUFFER",
  }),
  userDeliveredMbPerMin: optional<number>({
    variables: ["LIMIT_USER_DELIVERED_MB_PER_MIN"],
    kind: rate,
    fallbackText: "2.56 for each of LIMIT_USER_MESSAGES_PER_MIN, 256 at least, off where that is 0",
    about: "MB that one user causes for all members together, in a minute, 0 = off",
  }),
  connectionJoinsPerMin: setting({
    variables: ["LIMIT_CONNECTION_JOINS_PER_MIN"],
    kind: rate,
    fallback: 5_000,
    about: "joins and leaves on one socket in a minute, 0 = off",
  }),
  userRequestsAtOnce: setting({
    variables: ["LIMIT_USER_REQUESTS_AT_ONCE"],
    kind: rate,
    fallback: 300,
    about: "reads and creations of one user over REST that are under way or wait, 0 = off",
  }),
  connectionHeartbeatsPerMin: setting({
    variables: ["LIMIT_CONNECTION_HEARTBEATS_PER_MIN"],
    kind: rate,
    fallback: 1_000,
    about:
      "heartbeats, malformed frames and frames refused for their size on one socket in a minute, counted so too, 0 = off; beyond it the socket is closed",
  }),
  connectionFramesPerMin: optional<number>({
    variables: ["LIMIT_CONNECTION_FRAMES_PER_MIN"],
    kind: rate,
    fallbackText: "15000 or 10 for each message allowed, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about:
      "frames on one socket in a minute, each counted once more for every KiB before it is read, 0 = off; beyond it the socket is closed",
  }),
  userFramesPerMin: optional<number>({
    variables: ["LIMIT_USER_FRAMES_PER_MIN"],
    kind: rate,
    fallbackText: "60000 or 10 for each message allowed, off where LIMIT_USER_MESSAGES_PER_MIN is 0",
    about:
      "the same of all sockets of one user, and the KiB of their request bodies, a third of them at once, 0 = off; beyond it the socket is closed, a request 429",
  }),
  addressHandshakesPerMin: setting({
    variables: ["LIMIT_HANDSHAKES_PER_MIN_PER_IP"],
    kind: rate,
    fallback: 120,
    about:
      "handshakes and requests from one address in a minute whose token no key of ours signed, 0 = off; beyond it such a one is answered 429, and tokens from there are verified a few at a time",
  }),
  userHandshakesPerMin: optional<number>({
    variables: ["LIMIT_HANDSHAKES_PER_MIN_PER_USER"],
    kind: rate,
    fallbackText: "120, off where LIMIT_HANDSHAKES_PER_MIN_PER_IP is 0",
    about: "sockets opened by one user in a minute, 0 = off; beyond it 429",
  }),
  socketsPerUser: setting({
    variables: ["LIMIT_SOCKETS_PER_USER"],
    kind: rate,
    fallback: 100,
    about: "sockets that one user may have open at once, 0 = off; beyond it 429",
  }),
  handshakesPerSec: setting({
    variables: ["LIMIT_HANDSHAKES_PER_SEC"],
    kind: rate,
    fallback: 0,
    about:
      "sockets opened in a second at most, 0 = off; beyond it 503. Without it as many as the server bears, measured",
  }),
  playground: setting({
    variables: ["WHISPR_PLAYGROUND"],
    flag: "playground",
    kind: flag,
    fallback: ({ purpose }) => purpose === "dev",
    fallbackText: "off, for dev on",
    about: "serve the playground, a page to try everything out, at /playground",
  }),
  trustedProxies: optional<readonly string[]>({
    variables: ["TRUSTED_PROXIES"],
    kind: networks,
    about:
      "addresses and networks of proxies whose x-forwarded-for is believed; without it all clients behind a proxy count as one address",
  }),
  maxLoopLatenessMs: setting({
    variables: ["WHISPR_MAX_LOOP_LATENESS"],
    kind: durationOrOff(20, minuteMs),
    fallback: 200,
    about:
      "how late the event loop may be, 0 = off; later than that what comes is `overloaded`, typing at half of it",
  }),
} as const;

export type SettingName = keyof typeof settings;
export type SettingValue<N extends SettingName> =
  (typeof settings)[N] extends Optional<infer T>
    ? T | null
    : (typeof settings)[N] extends Present<infer T>
      ? T
      : never;
