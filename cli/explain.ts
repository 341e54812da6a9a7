import { isIP, isIPv6 } from "node:net";
import type { Config } from "../src/config.ts";
import { AddressRefusal, isSocket } from "../src/store/connections/database-address.ts";
import { parseDatabaseUrl } from "../src/store/connections/database-url.ts";
import { causeOf } from "../src/store/connections/failure-causes.ts";
import { EmbeddedRefusal } from "../src/store/embedded/refusal.ts";
import { DatabaseInUse } from "../src/store/ownership/other-processes.ts";
import { MigrationRefusal } from "../src/store/schema/migrator.ts";
import { StoreRefusal } from "../src/store/schema/store-checks.ts";
import { PortInUse } from "../src/telemetry/admin-listener.ts";
import { scrub } from "../src/telemetry/logger.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { otherPort } from "./other-port.ts";

export interface Explanation {
  readonly text: string;
  readonly exitCode: number;
}

/** Explains an error to the person at the terminal: a sentence with a remedy for a known cause, else the stack trace. */
export function explain(error: unknown, config: Config): Explanation {
  if (error instanceof CommandRefused) return { text: error.message, exitCode: error.exitCode };
  if (error instanceof PortInUse) return { text: error.message, exitCode: exitCodes.taken };
  if (error instanceof EmbeddedRefusal) return { text: error.message, exitCode: exitCodeOf(error) };
  if (error instanceof AddressRefusal) return { text: error.message, exitCode: exitCodes.usage };
  if (error instanceof DatabaseInUse) return { text: error.message, exitCode: exitCodes.taken };
  if (error instanceof StoreRefusal || error instanceof MigrationRefusal) return failure(error.message);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EADDRINUSE") return { text: portInUse(config), exitCode: exitCodes.taken };
  if (code === "EADDRNOTAVAIL" || (code === "EACCES" && isOfListening(error))) {
    return failure(notOurs(config, code));
  }
  const cause = causeOf(error);
  if (cause) return failure(`${nameOf(config)}: ${cause} (${messageOf(error)}).`);
  return failure(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Runs `work`. An error ends the command with its explanation. */
export async function explained<T>(config: Config, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { text, exitCode } = explain(error, config);
    throw new CommandRefused(text, exitCode);
  }
}

function exitCodeOf({ code }: EmbeddedRefusal): number {
  return code === "held" || code === "held_elsewhere" ? exitCodes.taken : exitCodes.failure;
}

function portInUse({ http }: Config): string {
  const next = otherPort(http.port);
  // Bun reports the same for a host name that it cannot resolve.
  const doubt = isIP(http.host) === 0 ? `, or HOST (${http.host}) is not an address of this machine` : "";
  return `Port ${http.port} on ${http.host} is in use by another process${doubt}. Choose another one: PORT=${next} npm start, or PORT=${next} whispr-msg serve.`;
}

function isOfListening(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "listen";
}

function notOurs({ http, admin }: Config, code: string): string {
  const asked = [`HOST is ${http.host}, PORT ${http.port}`];
  if (admin) asked.push(`ADMIN_HOST is ${admin.host}, ADMIN_PORT ${admin.port}`);
  const cause =
    code === "EACCES"
      ? "This user may not listen on a port below 1024; choose a higher one"
      : "This machine does not have this address; use one that it has, 127.0.0.1, or 0.0.0.0 for all";
  return `${cause} (${asked.join("; ")}).`;
}

/** Returns the name of the database for people. */
export function nameOf({ database, dataDir }: Config): string {
  return database.type === "postgres" ? addressOf(database.url) : `The embedded database in ${dataDir}`;
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
