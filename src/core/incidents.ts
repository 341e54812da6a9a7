import type { Incident } from "./incident.ts";
import { securityEvents } from "./security-events.ts";

const hourMs = 3_600_000;
const lookAtPostgres = "look at the log of PostgreSQL and at its machine";

/**
 * The closed table of what is logged at `warn` or `error`, and of the security log; nothing else is. Each name is also a series of
 * `whispr_warnings_total`, `whispr_errors_total` or `whispr_security_events_total`, and a row of docs/incidents.md. Names are stable: alerts
 * depend on them.
 */
export const incidents = {
  ...securityEvents,
  admission_limited: {
    level: "warn",
    means: "more clients connect than this process can admit; some handshakes are refused",
    action:
      "nothing after a restart; if it continues, add processor time, or find the clients that connect so often",
  },
  batch_outcome_unknown: {
    level: "warn",
    means: "the connection to PostgreSQL was lost during a commit; the server is finding out what was stored",
    action: "nothing, unless it continues: at worst clients get `outcome_unknown` and send again",
  },
  block_listener_silent: {
    level: "warn",
    means: "the connection that listens for blocks does not answer and is replaced",
    action: `if it continues, ${lookAtPostgres}`,
  },
  block_listener_unreachable: {
    level: "warn",
    means: "the connection that listens for blocks cannot reach PostgreSQL",
    action: "see `reason`; blocks take effect when PostgreSQL is back, at the latest",
  },
  block_not_applied: {
    level: "warn",
    means: "a block could not be applied to its conversation; it is tried again",
    action: "see `reason`; if it continues, run `whispr-msg admin inspect user` and report it",
  },
  blocks_store_unavailable: {
    level: "warn",
    means: "blocks cannot be read from PostgreSQL",
    action: "see the `store_*` incident logged with it",
  },
  client_address_unknown: {
    level: "warn",
    means: "a trusted proxy does not name its clients, so all of them count as one address",
    action:
      "make the proxy set x-forwarded-for (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for)",
    pauseMs: hourMs,
  },
  conversation_reads_failed: {
    level: "warn",
    means: "conversations cannot be read from PostgreSQL; the reads are tried again",
    action: "see the `store_*` incident logged with it",
  },
  cursor_flush_failed: {
    level: "warn",
    means: "the positions of devices could not be saved; it is tried again",
    action: "see the `store_*` incident logged with it; at worst devices get some messages twice",
  },
  database_session_lacks: {
    level: "warn",
    means: "the role or the database lacks something that the server needs",
    action: "grant what `reason` names; `whispr-msg doctor` checks it",
  },
  descriptors_exhausted: {
    level: "error",
    means:
      "this process has nearly reached its limit of open files and connections; new connections are refused",
    action: "raise the limit (ulimit -n, LimitNOFILE=, --ulimit nofile=)",
  },
  direct_member_row_missing: {
    level: "warn",
    means: "the row of a member of a direct conversation is missing",
    action: "rows were deleted by hand; restore them from a backup",
  },
  disk_full: {
    level: "error",
    means: "PostgreSQL cannot write because its disk is full; nothing that was acknowledged is lost",
    action: "free some space; writes continue by themselves",
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
    means: "the embedded PostgreSQL did not start again; another attempt follows",
    action: "see `reason`",
  },
  embedded_postgres_orphaned: {
    level: "warn",
    means: "a PostgreSQL is left from a killed process; it is stopped first",
    action: "nothing",
  },
  embedded_postgres_log_unbounded: {
    level: "warn",
    means: "the log file of the embedded PostgreSQL could not be shortened",
    action: "see `reason`; check the disk and the rights of the data directory",
  },
  forgetful_data_directory: {
    level: "warn",
    means: "the data directory is on a file system that is lost with its container or machine",
    action: "mount a volume there, or set WHISPR_DATA_DIR",
  },
  internal_error: {
    level: "error",
    means: "a bug of the server",
    action: "report it with `where`, `error` and the version; clients got `internal`",
    lines: 10,
  },
  keys_ignored: {
    level: "warn",
    means: "some of the published keys cannot be used; the others can",
    action: "see `entries`; `whispr-msg doctor` names them too",
  },
  keys_in_plaintext: {
    level: "warn",
    means:
      "the keys that verify tokens are read over http from another machine; anyone who can change them on the way can act as any user",
    action:
      "give JWT_JWKS_URL an https address, or copy the keys to a file and name it in JWT_PUBLIC_KEYS_FILE",
    pauseMs: hourMs,
  },
  keys_read_failed: {
    level: "warn",
    means: "the keys that verify tokens cannot be read; keys of an earlier read stay in use",
    action: "see `reason`; check JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE",
  },
  last_seen_flush_failed: {
    level: "warn",
    means: "the last-seen times of users could not be saved; it is tried again",
    action: "see the `store_*` incident logged with it",
  },
  missed_frames_unreadable: {
    level: "warn",
    means: "missed events cannot be read from PostgreSQL; the reads are tried again",
    action:
      "see the `store_*` incident logged with it; until then these conversations are not delivered live",
  },
  origin_refused: {
    level: "warn",
    means: "a web page with an origin that is not allowed tried to connect",
    action: "if `origin` is yours, name it in CORS_ALLOWED_ORIGINS",
    pauseMs: 600_000,
  },
  ownership_lost: {
    level: "warn",
    means: "this process lost the right to write, and serves nothing until it has it again",
    action: "see `reason`",
  },
  ownership_waiting: {
    level: "warn",
    means: "this process is not ready: it waits for the right to write",
    action: "see `reason`; nothing, if this process stands by for another one",
  },
  password_in_arguments: {
    level: "warn",
    means: "a password is among the arguments of this process, which every user of the machine can read",
    action:
      "set the address in DATABASE_URL and the password in DB_PASSWORD, or in a file that PGPASSFILE names; then change the password",
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
      "start it as an account of its own (systemd: DynamicUser=yes, StateDirectory=whispr-msg); a port below 1024 needs CAP_NET_BIND_SERVICE",
  },
  runtime_variables_set: {
    level: "warn",
    means: "environment variables change how this executable runs, or load code into it",
    action: "unset the variables in `names` (systemd: UnsetEnvironment=), unless they are intended",
  },
  slow_clients_cut: {
    level: "warn",
    means:
      "slow clients together hold as many bytes as WHISPR_MAX_HELD_BYTES allows; those that hold most are refused or cut off",
    action:
      "see `what`, and `slow_reader_closed` in the security log; if the clients are yours, raise WHISPR_MAX_HELD_BYTES",
  },
  sockets_closed_new_history: {
    level: "warn",
    means: "the database was restored or promoted: all sockets were closed",
    action: "nothing: clients reconnect, and start afresh where they must",
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
    means: "the stop took longer than WHISPR_STOP_TIMEOUT; the rest was cut off",
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
    means: "PostgreSQL cancelled a statement because of a conflict; it is tried again",
    action: "nothing, unless it continues: then another program writes to our tables",
  },
  store_connection_lost: {
    level: "warn",
    means: "a connection to PostgreSQL was lost; it is opened again",
    action: `nothing, unless it continues: then ${lookAtPostgres}`,
  },
  store_connections_exhausted: {
    level: "error",
    means: "PostgreSQL has no connection left for this process",
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
    action: "nothing: devices that know more than the database start afresh",
  },
  store_out_of_memory: {
    level: "error",
    means: "PostgreSQL has no memory left",
    action: "give its machine more, or lower its max_connections and work_mem",
  },
  store_read_only: {
    level: "error",
    means: "the database is read-only",
    action: "name the primary in DATABASE_URL, or turn default_transaction_read_only off",
  },
  store_refuses: {
    level: "error",
    means: "PostgreSQL refuses a connection or a statement",
    action: "see `reason`; `whispr-msg doctor` checks it",
  },
  store_slow: {
    level: "warn",
    means: "a statement took too long and was ended",
    action:
      "look at the load and the locks of PostgreSQL (pg_dump, a migration); the limit is DB_STATEMENT_TIMEOUT",
  },
  store_unreachable: {
    level: "error",
    means: "PostgreSQL cannot be reached",
    action: "see `reason`; everything continues by itself when PostgreSQL is back",
  },
  unread_not_cleared: {
    level: "warn",
    means: "the unread mark of a conversation could not be cleared",
    action: "see the `store_*` incident logged with it",
  },
} as const satisfies Readonly<Record<string, Incident>>;

export type IncidentName = keyof typeof incidents;

type OfLevel<L extends Incident["level"]> = {
  [N in IncidentName]: (typeof incidents)[N]["level"] extends L ? N : never;
}[IncidentName];

export type Warning = OfLevel<"warn">;
export type Failure = OfLevel<"error">;
/** A name of the security log. */
export type SecurityEvent = OfLevel<"info">;

export function incidentOf(name: IncidentName): Incident {
  return incidents[name];
}
