import type { Incident } from "./incident.ts";
import { securityEvents } from "./security-events.ts";

const hourMs = 3_600_000;
const lookAtPostgres = "look into the log of PostgreSQL and at its machine";

/**
 * The closed table of what is logged at `warn` or `error`: nothing else can be; with it, the security log. Each name is a
 * `whispr_warnings_total`, `whispr_errors_total` or `whispr_security_events_total` series as well, and a row of docs/incidents.md. Names are
 * stable: alerts are written on them.
 */
export const incidents = {
  ...securityEvents,
  admission_limited: {
    level: "warn",
    means: "more clients connect than this process can let in for a while; some handshakes are refused",
    action:
      "nothing after a restart; if it goes on, give it more processor time, or look for who connects so often",
  },
  batch_outcome_unknown: {
    level: "warn",
    means: "the connection to PostgreSQL was lost under a commit; what was stored is being found out",
    action: "nothing, unless it goes on: clients are answered `outcome_unknown` at worst and send again",
  },
  block_listener_silent: {
    level: "warn",
    means: "the connection that hears of blocks does not answer and is replaced",
    action: `${lookAtPostgres}, if it goes on`,
  },
  block_listener_unreachable: {
    level: "warn",
    means: "PostgreSQL cannot be reached to hear of blocks",
    action: "see `reason`; blocks take effect at the latest when it is back",
  },
  block_not_applied: {
    level: "warn",
    means: "a block has not taken effect in its conversation and is tried again",
    action: "see `reason`; if it goes on, `whispr-msg admin inspect user` and report it",
  },
  blocks_store_unavailable: {
    level: "warn",
    means: "blocks cannot be read from the store",
    action: "see `store_*` beside it",
  },
  client_address_unknown: {
    level: "warn",
    means: "a trusted proxy names no client, so all its clients count as one address",
    action:
      "make the proxy set x-forwarded-for (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for)",
    pauseMs: hourMs,
  },
  conversation_reads_failed: {
    level: "warn",
    means: "conversations cannot be read from the store and are tried again",
    action: "see `store_*` beside it",
  },
  cursor_flush_failed: {
    level: "warn",
    means: "how far devices have received could not be saved and is tried again",
    action: "see `store_*` beside it; devices get some messages twice at worst",
  },
  database_session_lacks: {
    level: "warn",
    means: "the role or the database lacks something that serving needs",
    action: "grant what `reason` names; `whispr-msg doctor` checks it",
  },
  descriptors_exhausted: {
    level: "error",
    means:
      "this process has nearly all open files and connections that it may have; new connections are refused",
    action: "raise its limit (ulimit -n, LimitNOFILE=, --ulimit nofile=), or add a node",
  },
  direct_member_row_missing: {
    level: "warn",
    means: "a direct conversation lacks the row of one of its members",
    action: "rows were deleted by hand; restore them from a backup",
  },
  disk_full: {
    level: "error",
    means: "PostgreSQL cannot write because its disk is full; nothing that was acknowledged is lost",
    action: "free some space; writing goes on by itself",
  },
  disk_nearly_full: {
    level: "warn",
    means: "the disk of the data directory is nearly full",
    action: "free some space, or give it a larger disk",
    pauseMs: 600_000,
  },
  embedded_postgres_ended: {
    level: "error",
    means: "the embedded PostgreSQL ended and is started again",
    action: "see `lastWords`, its last log lines",
  },
  embedded_postgres_not_restarted: {
    level: "error",
    means: "the embedded PostgreSQL did not start again; it is tried again",
    action: "see `reason`",
  },
  embedded_postgres_orphaned: {
    level: "warn",
    means: "a PostgreSQL is left from a process that was killed; it is stopped first",
    action: "nothing",
  },
  embedded_postgres_log_unbounded: {
    level: "warn",
    means: "the log file of the embedded PostgreSQL could not be shortened",
    action: "see `reason`; check the disk and the rights of the data directory",
  },
  forgetful_data_directory: {
    level: "warn",
    means: "the data directory is on a file system that ends with its container or machine",
    action: "mount a volume there, or set WHISPR_DATA_DIR",
  },
  internal_error: {
    level: "error",
    means: "the server made a mistake: a bug",
    action: "report it with `where`, `error` and the version; clients were answered `internal`",
    lines: 10,
  },
  keys_ignored: {
    level: "warn",
    means: "some of the published keys cannot be used; the others are",
    action: "see `entries`; `whispr-msg doctor` names them too",
  },
  keys_in_plaintext: {
    level: "warn",
    means:
      "the keys that tokens are verified with are read over http from another machine: who can change them on the way gets in as anybody",
    action:
      "give JWT_JWKS_URL an https address, or copy the keys to a file and name it in JWT_PUBLIC_KEYS_FILE",
    pauseMs: hourMs,
  },
  keys_read_failed: {
    level: "warn",
    means: "the keys that tokens are verified with cannot be read; those that were read before stay in use",
    action: "see `reason`; check JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE",
  },
  last_seen_flush_failed: {
    level: "warn",
    means: "when users were last online could not be saved and is tried again",
    action: "see `store_*` beside it",
  },
  missed_frames_unreadable: {
    level: "warn",
    means: "events that were missed cannot be read from the store and are tried again",
    action: "see `store_*` beside it; these conversations are not delivered live meanwhile",
  },
  origin_refused: {
    level: "warn",
    means: "a web page whose origin is not allowed tried to connect",
    action: "if `origin` is yours, name it in CORS_ALLOWED_ORIGINS",
    pauseMs: 600_000,
  },
  ownership_lost: {
    level: "warn",
    means: "this process lost the right to write and serves nothing until it is back",
    action: "see `reason`",
  },
  ownership_waiting: {
    level: "warn",
    means: "this process is not ready: it waits for the right to write",
    action: "see `reason`; a process that stands by for another one is as it should be",
  },
  password_in_arguments: {
    level: "warn",
    means: "a password is among the arguments of this process, where every user of the machine can read it",
    action:
      "give the address in DATABASE_URL, the password in DB_PASSWORD, or in a file that PGPASSFILE names; then change the password",
  },
  proxy_not_trusted: {
    level: "warn",
    means: "requests come through a proxy that is not trusted, so all its clients count as one address",
    action: "if the proxy (`peer`) is yours, name it in TRUSTED_PROXIES",
    pauseMs: hourMs,
  },
  running_as_root: {
    level: "warn",
    means: "the service runs as root, which it does not need",
    action:
      "start it as an account of its own (systemd: DynamicUser=yes, StateDirectory=whispr-msg); a port below 1024 takes CAP_NET_BIND_SERVICE",
  },
  runtime_variables_set: {
    level: "warn",
    means:
      "variables of the environment change how this executable runs, or load code into it, before its first line",
    action: "unset what `names` says (systemd: UnsetEnvironment=), unless it is meant",
  },
  slow_clients_cut: {
    level: "warn",
    means:
      "clients that read or send slowly hold as many bytes as they may together; those who hold most are refused or cut off",
    action:
      "see `what`, and `slow_reader_closed` in the security log; if the clients are yours, raise WHISPR_MAX_HELD_BYTES",
  },
  sockets_closed_new_history: {
    level: "warn",
    means: "the database has another history (restored or promoted): all sockets were closed",
    action: "nothing: clients come back and start anew where they must",
  },
  sockets_closed_without_ownership: {
    level: "warn",
    means: "sockets were closed because this process may not write",
    action: "nothing: clients find a node that serves",
  },
  stop_failed: {
    level: "error",
    means: "the stop failed",
    action: "see `error`; nothing that was acknowledged is lost",
  },
  stop_overdue: {
    level: "error",
    means: "the stop took longer than WHISPR_STOP_TIMEOUT; what was left is cut off",
    action: "raise WHISPR_STOP_TIMEOUT; nothing that was acknowledged is lost",
  },
  stopping_at_once: {
    level: "warn",
    means: "a second signal came: the process ends at once",
    action: "nothing",
  },
  store_busy: {
    level: "warn",
    means: "statements wait too long for a connection of the pool",
    action: "raise DB_POOL_SIZE, or give PostgreSQL a faster machine",
  },
  store_conflict: {
    level: "warn",
    means: "PostgreSQL ended a statement for the sake of another one; it is tried again",
    action: "nothing, unless it goes on: something else writes to our tables",
  },
  store_connection_lost: {
    level: "warn",
    means: "a connection to PostgreSQL was lost; it is opened again",
    action: `nothing, unless it goes on: ${lookAtPostgres}`,
  },
  store_connections_exhausted: {
    level: "error",
    means: "PostgreSQL has no connection left for us",
    action: "lower DB_POOL_SIZE, or raise max_connections or the limit of the role",
  },
  store_damaged: {
    level: "error",
    means: "PostgreSQL cannot read or write its files",
    action: `${lookAtPostgres}; check the disk and a backup before anything else`,
  },
  store_exhausted: {
    level: "error",
    means: "PostgreSQL has no resources left",
    action: lookAtPostgres,
  },
  store_history_changed: {
    level: "warn",
    means: "the database was restored or promoted: a new generation begins",
    action: "nothing: devices that know more than the database start anew",
  },
  store_out_of_memory: {
    level: "error",
    means: "PostgreSQL has no memory left",
    action: "give its machine more, or lower its max_connections and work_mem",
  },
  store_read_only: {
    level: "error",
    means: "the database can only be read",
    action: "name the primary in DATABASE_URL, or lift default_transaction_read_only",
  },
  store_refuses: {
    level: "error",
    means: "PostgreSQL refuses our connection or statement",
    action: "see `reason`; `whispr-msg doctor` checks it",
  },
  store_slow: {
    level: "warn",
    means: "a statement took too long and was ended",
    action:
      "look into the load and locks of PostgreSQL (pg_dump, a migration); DB_STATEMENT_TIMEOUT is its limit",
  },
  store_unreachable: {
    level: "error",
    means: "PostgreSQL cannot be reached",
    action: "see `reason`; everything goes on by itself when it is back",
  },
  unread_not_cleared: {
    level: "warn",
    means: "a conversation could not be taken from the ones marked as unread",
    action: "see `store_*` beside it",
  },
} as const satisfies Readonly<Record<string, Incident>>;

export type IncidentName = keyof typeof incidents;

type OfLevel<L extends Incident["level"]> = {
  [N in IncidentName]: (typeof incidents)[N]["level"] extends L ? N : never;
}[IncidentName];

export type Warning = OfLevel<"warn">;
export type Failure = OfLevel<"error">;
/** Of the security log. */
export type SecurityEvent = OfLevel<"info">;

export function incidentOf(name: IncidentName): Incident {
  return incidents[name];
}
