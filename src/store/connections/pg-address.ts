import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { type AddressParts, AddressRefusal, isSocket } from "./database-address.ts";
import { parseDatabaseUrl } from "./database-url.ts";

/** An address as `pg` takes it, part by part: nothing is left for it to parse, or to find in PGHOST, PGSSLMODE and the like. */
export interface PgAddress {
  readonly host: string;
  readonly port: number;
  /** Undefined: `pg` takes PGUSER, or the system's user. */
  readonly user: string | undefined;
  /** Undefined: `pg` takes PGPASSWORD, or the password file is looked into. */
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: false | ConnectionOptions;
  readonly sslnegotiation: "postgres" | "direct";
  /** Of the operator; our session settings come after them. */
  readonly options: string | undefined;
}

/** @throws AddressRefusal also when a file of TLS cannot be read */
export function pgAddress(parts: AddressParts): PgAddress {
  const { host, port, user, password, database, isDirectTls, options } = parts;
  if (database === null) throw new AddressRefusal("The address names no database.");
  return {
    host: host ?? "localhost",
    port: port ?? 5432,
    user: user ?? undefined,
    password: password ?? undefined,
    database,
    ssl: sslOf(parts),
    sslnegotiation: isDirectTls ? "direct" : "postgres",
    options: options ?? undefined,
  };
}

export function pgAddressOf(url: string): PgAddress {
  return pgAddress(parseDatabaseUrl(url));
}

function sslOf({ host, tls, tlsFiles }: AddressParts): false | ConnectionOptions {
  if (tls === null || tls === "off" || isSocket(host ?? "")) return false;
  const files = {
    ...fileOf("ca", "sslrootcert", tlsFiles.authority),
    ...fileOf("cert", "sslcert", tlsFiles.certificate),
    ...fileOf("key", "sslkey", tlsFiles.key),
  };
  const byName = tls === "authority" ? { checkServerIdentity: () => undefined } : {};
  return { rejectUnauthorized: tls !== "unchecked", ...byName, ...files };
}

function fileOf(option: "ca" | "cert" | "key", parameter: string, path: string | null): ConnectionOptions {
  if (path === null) return {};
  const text = readFile(parameter, path);
  if (text.includes("-----BEGIN ")) return { [option]: text };
  throw new AddressRefusal(`The file of ${parameter}, ${path}, is not PEM: name one that is.`);
}

function readFile(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new AddressRefusal(
      `The file of ${parameter}, ${path}, cannot be read${code}: name one that this user can read.`,
    );
  }
}
