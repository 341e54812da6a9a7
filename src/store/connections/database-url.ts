import { isIPv6 } from "node:net";
import {
  type AddressParts,
  AddressRefusal,
  checkedParts,
  decoded,
  hostOf,
  isSocket,
  noParts,
  portOf,
} from "./database-address.ts";
import { parametersOf } from "./database-url-parameters.ts";

const addressForm = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(#.*)?$/i;
const control = /\p{Cc}/u;

/**
 * Reads `postgres://user:password@host:port/database?parameters`. Unlike a browser's parser it drops and repairs nothing.
 * @throws AddressRefusal
 */
export function parseDatabaseUrl(text: string): AddressParts {
  const match = addressForm.exec(text);
  if (control.test(text))
    throw new AddressRefusal("The address contains a line break or another control character.");
  if (!match) throw new AddressRefusal("The address has not that form.");
  const [, authority = "", path = "", query = "", rest] = match;
  if (rest !== undefined) throw new AddressRefusal("The address contains a #: write it as %23.");
  if (/[/@]/.test(path)) {
    throw new AddressRefusal(
      "The database contains a / or @: write / as %2F and @ as %40, in the password too.",
    );
  }
  const at = authority.lastIndexOf("@");
  const fromAuthority = {
    ...noParts,
    ...accountOf(authority.slice(0, Math.max(at, 0))),
    ...placeOf(authority.slice(at + 1)),
    database: decoded("database", path),
  };
  return checkedParts(merged(fromAuthority, parametersOf(query)));
}

function accountOf(text: string): Pick<AddressParts, "user" | "password"> {
  const colon = text.indexOf(":");
  const [user, password] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  return { user: decoded("user", user), password: decoded("password", password) };
}

function placeOf(text: string): Pick<AddressParts, "host" | "port"> {
  const match = /^(\[[^[\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text);
  if (!match) {
    throw new AddressRefusal(
      "The host cannot be told from its port: put an IPv6 address in brackets, and write : / @ ? # % in user and password percent-encoded (: as %3A).",
    );
  }
  const host = decoded("host", match[1]!);
  return { host: host === null ? null : hostOf(host), port: match[2] ? portOf(match[2]) : null };
}

/** What the query names must not contradict what is before it; a socket directory may follow `localhost`, as in `psql-url`. */
function merged(before: AddressParts, query: Partial<AddressParts>): AddressParts {
  for (const part of ["host", "port", "user", "password", "database"] as const) {
    const [one, other] = [before[part], query[part]];
    if (one == null || other == null || one === other) continue;
    if (part === "host" && one === "localhost" && isSocket(String(other))) continue;
    throw new AddressRefusal(`The address names its ${part} twice, differently: name it once.`);
  }
  const named = Object.fromEntries(Object.entries(query).filter(([, value]) => value != null));
  return { ...before, ...named };
}

/** The same as one address: `parseDatabaseUrl` gives back exactly these parts. */
export function databaseUrlOf(parts: AddressParts): string {
  const { host, port, user, password, database } = parts;
  const account = `${encoded(user)}${password === null ? "" : `:${encoded(password)}`}`;
  const place = `${encodedHost(host ?? "")}${port === null ? "" : `:${port}`}`;
  return `postgres://${account === "" ? "" : `${account}@`}${place}/${encoded(database)}${queryOf(parts)}`;
}

const sslModes = { off: "disable", unchecked: "no-verify", authority: "verify-ca", full: "verify-full" };

function queryOf({ tls, tlsFiles, isDirectTls, options }: AddressParts): string {
  const query = Object.entries({
    sslmode: tls === null ? null : sslModes[tls],
    sslrootcert: tlsFiles.authority,
    sslcert: tlsFiles.certificate,
    sslkey: tlsFiles.key,
    sslnegotiation: isDirectTls ? "direct" : null,
    options,
  }).flatMap(([name, value]) => (value === null ? [] : [`${name}=${encoded(value)}`]));
  return query.length === 0 ? "" : `?${query.join("&")}`;
}

function encoded(text: string | null): string {
  return encodeURIComponent(text ?? "");
}

function encodedHost(host: string): string {
  return isIPv6(host) ? `[${host.replace("%", "%25")}]` : encodeURIComponent(host);
}
