import { isIP, isIPv6 } from "node:net";
import type { Config } from "../src/config.ts";
import { AddressRefusal, isSocket } from "../src/store/database-address.ts";
import { parseDatabaseUrl } from "../src/store/database-url.ts";
import { EmbeddedRefusal } from "../src/store/embedded/refusal.ts";
import { MigrationRefusal } from "../src/store/migrator.ts";
import { StoreRefusal } from "../src/store/store-checks.ts";
import { scrub } from "../src/telemetry/logger.ts";
import { PortInUse } from "../src/telemetry/operators-listener.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";

export interface Explanation {
  readonly text: string;
  readonly exitCode: number;
}

/** What went wrong for the person at the terminal: a sentence with the way out where we know one, else the stack. */
export function explain(error: unknown, config: Config): Explanation {
  if (error instanceof CommandRefused) return { text: error.message, exitCode: error.exitCode };
  if (error instanceof PortInUse) return { text: error.message, exitCode: exitCodes.taken };
  if (error instanceof EmbeddedRefusal) return { text: error.message, exitCode: exitCodeOf(error) };
  if (error instanceof AddressRefusal) return { text: error.message, exitCode: exitCodes.usage };
  if (error instanceof StoreRefusal || error instanceof MigrationRefusal) return failure(error.message);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EADDRINUSE") return { text: portInUse(config), exitCode: exitCodes.taken };
  if (code === "EADDRNOTAVAIL" || (code === "EACCES" && isOfListening(error))) {
    return failure(notOurs(config, code));
  }
  const cause = databaseCauses[code] ?? databaseCauses[messageOf(error)];
  if (cause && config.database.type === "postgres") {
    return failure(`${addressOf(config.database.url)}: ${cause} (${messageOf(error)}).`);
  }
  return failure(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Does the work; what it throws ends the command with its explanation. */
export async function explained<T>(config: Config, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { text, exitCode } = explain(error, config);
    throw new CommandRefused(text, exitCode);
  }
}

const untrusted =
  "its certificate is not trusted; give its authority to NODE_EXTRA_CA_CERTS, or set DB_SSL=no-verify (sslmode=no-verify in DATABASE_URL)";

/** By the code of the error, or, where it has none, by its message. */
const databaseCauses: Readonly<Record<string, string>> = {
  ECONNREFUSED: "PostgreSQL does not listen there; check DATABASE_URL",
  ENOTFOUND: "there is no such host; check DATABASE_URL",
  EAI_AGAIN: "its name cannot be looked up now; check DATABASE_URL and the name servers",
  EHOSTUNREACH: "there is no way to this host; check DATABASE_URL and the network",
  ENETUNREACH: "there is no way to this host; check DATABASE_URL and the network",
  ETIMEDOUT: "PostgreSQL does not answer; check DATABASE_URL",
  ECONNRESET: "the connection was ended at once; check that DATABASE_URL names a PostgreSQL",
  "timeout expired": "what listens there does not answer like PostgreSQL; check DATABASE_URL",
  "Connection terminated unexpectedly":
    "the connection was ended at once; check that DATABASE_URL names a PostgreSQL",
  "The server does not support SSL connections":
    "PostgreSQL has no TLS there; set DB_SSL=off (or sslmode=disable in DATABASE_URL)",
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  "28P01": "PostgreSQL refuses the password; check DATABASE_URL",
  "28000": "PostgreSQL refuses the user; check DATABASE_URL",
  "3D000": "the database does not exist; create it, in UTF8",
  "57P03": "PostgreSQL is starting or stopping; try again",
  "53300": "PostgreSQL has no connection left; lower DB_POOL_SIZE or raise max_connections",
};

function exitCodeOf({ code }: EmbeddedRefusal): number {
  return code === "held" || code === "held_elsewhere" ? exitCodes.taken : exitCodes.failure;
}

function portInUse({ http }: Config): string {
  const next = http.port + 1;
  // Bun says the same of a host that it cannot look up.
  const doubt = isIP(http.host) === 0 ? `, or HOST (${http.host}) is no address of this machine` : "";
  return `Port ${http.port} on ${http.host} is in use by another process${doubt}. Choose another one: PORT=${next} npm start, or PORT=${next} whispr-msg serve.`;
}

function isOfListening(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "listen";
}

function notOurs({ http, operators }: Config, code: string): string {
  const asked = [`HOST is ${http.host}, PORT ${http.port}`];
  if (operators) asked.push(`ADMIN_HOST is ${operators.host}, ADMIN_PORT ${operators.port}`);
  const cause =
    code === "EACCES"
      ? "This user may not listen on a port below 1024; take a higher one"
      : "This machine has no such address to listen on; name one of its own, 127.0.0.1, or 0.0.0.0 for all";
  return `${cause} (${asked.join("; ")}).`;
}

function addressOf(url: string): string {
  const { host, port, database } = parseDatabaseUrl(url);
  if (isSocket(host ?? "")) return `${host}/.s.PGSQL.${port}, database ${database}`;
  return `${isIPv6(host ?? "") ? `[${host}]` : host}:${port}/${database}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failure(text: string): Explanation {
  return { text: scrub(text), exitCode: exitCodes.failure };
}
