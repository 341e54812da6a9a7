import { isIP, isIPv6 } from "node:net";

/** How the server proves who it is, from nothing to its certificate being checked against its name. */
export type TlsMode = "off" | "unchecked" | "authority" | "full";

/** Files of TLS: the authority that signs the server's certificate, and a certificate of our own with its key. */
export interface TlsFiles {
  readonly authority: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
}

/** What somebody wrote about a PostgreSQL; null: they left it out. */
export interface AddressParts {
  /** A name, an address (IPv6 without brackets), or the directory of a Unix socket. */
  readonly host: string | null;
  readonly port: number | null;
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
  readonly tls: TlsMode | null;
  readonly tlsFiles: TlsFiles;
  /** TLS from the first byte on, without asking the server first. */
  readonly isDirectTls: boolean;
  /** Session options, as libpq's `options`. */
  readonly options: string | null;
  /** What they wrote to no effect, each in a sentence with what does it instead. */
  readonly ineffective: readonly string[];
}

export const noParts: AddressParts = {
  host: null,
  port: null,
  user: null,
  password: null,
  database: null,
  tls: null,
  tlsFiles: { authority: null, certificate: null, key: null },
  isDirectTls: false,
  options: null,
  ineffective: [],
};

/** An address of which not everything would arrive. The text names the part and the way out, never a value that may be secret. */
export class AddressRefusal extends Error {}

export const longestNameBytes = 63;
/** Of the 108 bytes of a Unix socket's path, less its file's name and the end. */
const longestDirectoryBytes = 107 - "/.s.PGSQL.65535".length;

/** Empty counts as left out. */
export function decoded(what: string, text: string): string | null {
  if (text === "") return null;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AddressRefusal(`The ${what} contains a % that does not begin UTF-8: write % as %25.`);
  }
}

/** A port from 1 to 65535. */
export function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new AddressRefusal(
    "The port is no number from 1 to 65535 (a : / ? # in user or password is written percent-encoded).",
  );
}

/** A host as `pg` takes it: brackets go. @throws AddressRefusal */
export function hostOf(text: string): string {
  if (text.startsWith("/")) return socketDirectoryOf(text);
  const bare = /^\[(.*)\]$/.exec(text)?.[1];
  if (bare !== undefined && isIPv6(bare)) return bare;
  if (isIP(text) !== 0) return text;
  if (text.includes(","))
    throw new AddressRefusal("The address names several hosts: name the primary alone.");
  const port = /^[^:]+:(\d+)$/.exec(text)?.[1];
  if (port) throw new AddressRefusal(`The host contains a port: set the port (${port}) apart.`);
  if (/^[^\s/\\:@?#[\]%"'<>|^`{}]+$/.test(text)) return text;
  throw new AddressRefusal(
    "The host is no name, no IP address and no directory of a Unix socket (which begins with /).",
  );
}

function socketDirectoryOf(text: string): string {
  if (Buffer.byteLength(text) <= longestDirectoryBytes) return text;
  throw new AddressRefusal(`The socket directory is longer than ${longestDirectoryBytes} bytes.`);
}

/** Whether everything can reach the server. @throws AddressRefusal */
export function checkedParts(parts: AddressParts): AddressParts {
  for (const part of ["user", "password", "database", "options"] as const) {
    if (parts[part]?.includes("\0")) throw new AddressRefusal(`The ${part} contains a zero byte.`);
  }
  for (const part of ["user", "database"] as const) {
    if (Buffer.byteLength(parts[part] ?? "") > longestNameBytes)
      throw new AddressRefusal(
        `The ${part} is longer than ${longestNameBytes} bytes, which PostgreSQL would cut.`,
      );
  }
  if (isSocket(parts.host ?? "") && parts.tls !== null && parts.tls !== "off") {
    throw new AddressRefusal(
      "The address asks for TLS on a Unix socket, which has none: leave TLS out, or name a host.",
    );
  }
  return parts;
}

export function isSocket(host: string): boolean {
  return host.startsWith("/");
}
