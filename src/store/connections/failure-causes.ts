/**
 * Says in a sentence why PostgreSQL cannot be used, with the way out, for every failure that an operator can meet; null: it was not
 * foreseen. By the server's SQLSTATE, by the system's code, or, where there is neither, by the words of `pg`.
 */
export function causeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const code = "code" in error ? String(error.code) : "";
  if ("severity" in error) return bySqlState[code] ?? bySqlStateClass[code.slice(0, 2)] ?? null;
  const byWords = words.find(([beginning]) => error.message.startsWith(beginning));
  return byWords?.[1] ?? bySystem(code, error) ?? null;
}

/** `ENOENT` and the like say something of PostgreSQL only where a connection was tried. */
function bySystem(code: string, error: Error): string | undefined {
  const isOfConnecting = "syscall" in error && ["connect", "getaddrinfo"].includes(String(error.syscall));
  return isOfConnecting ? (byConnecting[code] ?? bySystemCode[code]) : bySystemCode[code];
}

const where = "check DATABASE_URL (or DB_HOST, DB_PORT)";
const who = "check the user and password in DATABASE_URL (or DB_USERNAME, DB_PASSWORD)";
const ownDatabase = "give whispr-msg a database of its own (create database whispr)";
const notOurs = `the tables are not those that whispr-msg made; restore them, or ${ownDatabase}`;
const unknownOption = "PostgreSQL does not accept a setting; check options in DATABASE_URL";
const diskFull = "the disk of PostgreSQL is full; free some space; nothing that was acknowledged is lost";
const damaged = "PostgreSQL cannot read or write its files; look into its log and check the disk";
const again = "something else was under way; try again";
const starting = "PostgreSQL is starting, stopping or recovering; try again";
const pooler =
  "a pooler that shares its connections is in between; name PostgreSQL itself, or pool by session";

const bySqlState: Readonly<Record<string, string>> = {
  "08P01": "what answers there is no PostgreSQL, or a pooler that refuses us; name PostgreSQL itself",
  "25006": "the database can only be read (a standby, or default_transaction_read_only); name the primary",
  "26000": pooler,
  "28000":
    "PostgreSQL refuses this user, or how they connect; check the user, whether TLS is asked for (DB_SSL, sslmode) and pg_hba.conf",
  "28P01": `PostgreSQL refuses the password; ${who}`,
  "3D000":
    "the database does not exist; create it, in UTF8 (create database … encoding 'UTF8' template template0)",
  "3F000":
    "there is no schema to create tables in; create the one that options in DATABASE_URL names, else public, or grant usage and create on it",
  "40001": again,
  "40P01": again,
  "42501":
    "this user lacks a right; grant it (grant usage, create on schema public to …; grant select, insert, update, delete on all tables in schema public to …), or connect as the owner of the tables or database",
  "42601": unknownOption,
  "42602": unknownOption,
  "42701": notOurs,
  "42703": notOurs,
  "42704": unknownOption,
  "42710": `another application uses the name of one of our tables or types; ${ownDatabase}`,
  "42883": notOurs,
  "42P01": notOurs,
  "42P05": pooler,
  "42P07": `another application has a table of the same name; ${ownDatabase}`,
  "22023": unknownOption,
  "53100": diskFull,
  "53200": "PostgreSQL has no memory left; give its machine more, or lower its max_connections and work_mem",
  "53300":
    "PostgreSQL has no connection left; lower DB_POOL_SIZE, or raise max_connections or the role's connection limit",
  "55000": "PostgreSQL is not ready to do this now; look into its log, and try again",
  "55P03":
    "a lock was not had in time; something else works on these tables (pg_dump, a migration); try again",
  "57014": "PostgreSQL ended the statement, which took too long; try again, or raise DB_STATEMENT_TIMEOUT",
  "57P01": starting,
  "57P02": starting,
  "57P03": starting,
  "57P04": "the database was dropped meanwhile; create it again, or name another one",
};

const bySqlStateClass: Readonly<Record<string, string>> = {
  "08": "the connection to PostgreSQL was lost; try again",
  "0A": "the server cannot do what whispr-msg needs; PostgreSQL 15 or newer itself, not what is compatible with it",
  "53": "PostgreSQL has no resources left; look into its log",
  "58": damaged,
  F0: damaged,
  XX: damaged,
};

const untrusted =
  "its certificate is not trusted; give its authority as sslrootcert in DATABASE_URL (or NODE_EXTRA_CA_CERTS), or do without the check (DB_SSL=no-verify, sslmode=no-verify)";
const outdated = "its certificate is not valid today; renew it, and check the clocks of both machines";
const noWay = `there is no way to this host; ${where} and the network`;
const noTls =
  "TLS with PostgreSQL failed; check its ssl settings, and sslcert and sslkey where it asks for them";
const noPostgres = `the connection was ended at once; check that DATABASE_URL names a PostgreSQL`;

const byConnecting: Readonly<Record<string, string>> = {
  EACCES: "this user may not connect to that Unix socket; check its rights",
  EINVAL: noWay,
  ENOENT: `no PostgreSQL listens on that Unix socket; ${where}`,
};

/** Of connections and TLS; a system error of the data directory is a refusal of its own. */
const bySystemCode: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: noWay,
  EAI_AGAIN: "its name cannot be looked up now; check DATABASE_URL (or DB_HOST) and the name servers",
  ECONNREFUSED: `PostgreSQL does not listen there; ${where}`,
  ECONNRESET: noPostgres,
  EHOSTDOWN: noWay,
  EHOSTUNREACH: noWay,
  EMFILE: "this process may open no more files and connections; raise its limit (ulimit -n)",
  ENETDOWN: noWay,
  ENETUNREACH: noWay,
  ENFILE: "this machine may open no more files and connections; raise fs.file-max",
  ENODATA: `there is no such host; ${where}`,
  ENOTFOUND: `there is no such host; ${where}`,
  EPIPE: noPostgres,
  EPROTO: noTls,
  ETIMEDOUT: `PostgreSQL does not answer; ${where}`,
  CERT_CHAIN_TOO_LONG: untrusted,
  CERT_HAS_EXPIRED: outdated,
  CERT_NOT_YET_VALID: outdated,
  CERT_REVOKED: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another name; connect by a name that is in it, or give its authority as sslrootcert with sslmode=verify-ca, which asks for no name",
  HOSTNAME_MISMATCH: "its certificate is for another name; connect by a name that is in it",
  INVALID_CA: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
};

/** How the messages of `pg` begin that have no code. */
const words: readonly (readonly [string, string])[] = [
  ["timeout expired", `what listens there does not answer like PostgreSQL; ${where}`],
  ["Connection terminated unexpectedly", noPostgres],
  ["Connection terminated due to connection timeout", `PostgreSQL does not answer; ${where}`],
  ["Query read timeout", "PostgreSQL did not answer in time; look into its load and locks, and try again"],
  [
    "The server does not support SSL connections",
    "PostgreSQL has no TLS there; turn it on, or set DB_SSL=off (or sslmode=disable in DATABASE_URL)",
  ],
  ["There was an error establishing an SSL connection", noPostgres],
  ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be", `PostgreSQL asks for a password; ${who}`],
  [
    "SASL: SCRAM-SERVER-FIRST-MESSAGE: iteration count",
    "PostgreSQL asks for too much work with the password; lower scram_iterations",
  ],
  ["SASL: ", "what answers there does not know the password, so it is not the PostgreSQL that is meant"],
];
