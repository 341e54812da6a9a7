import {
  type AddressParts,
  AddressRefusal,
  decoded,
  hostOf,
  portOf,
  type TlsMode,
} from "./database-address.ts";

/** What a parameter that says nothing new may be: we do it in any case. */
const agreed: Readonly<Record<string, readonly string[]>> = {
  target_session_attrs: ["any", "read-write", "primary"],
  client_encoding: ["utf8", "utf-8"],
  gssencmode: ["disable", "prefer"],
  channel_binding: ["disable", "prefer", "require"],
  schema: ["public"],
  sslcompression: ["0"],
  sslsni: ["1"],
  ssl_min_protocol_version: ["tlsv1.2"],
};

/** Parameters without which nothing is less safe or otherwise answered: addresses are copied from other programs. */
const withoutEffect = new Set([
  "application_name",
  "fallback_application_name",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "load_balance_hosts",
  "tcp_user_timeout",
]);

/** What does the work of parameters that others know, where it matters that they are not applied. */
const ways: Readonly<Record<string, string>> = {
  statement_timeout: "DB_STATEMENT_TIMEOUT is the setting for it",
  lock_timeout: "DB_STATEMENT_TIMEOUT is the setting for it",
  query_timeout: "DB_STATEMENT_TIMEOUT is the setting for it",
  schema: "for a schema of its own, write options=-c%20search_path%3D…",
};

/** Parameters that clouds write into their addresses for other programs, and what does that here: a warning is enough. */
const otherwise: Readonly<Record<string, string>> = {
  connect_timeout: "DB_CONNECT_TIMEOUT is the setting for it",
  pool_timeout: "DB_CONNECT_TIMEOUT is the setting for it",
  pool_size: "DB_POOL_SIZE is the setting for it",
  connection_limit: "DB_POOL_SIZE is the setting for it",
  pgbouncer: "a pooler must pool by session, which is examined at the start",
};

const applied = [
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "sslmode",
  "ssl",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslnegotiation",
  "uselibpqcompat",
  "options",
] as const;

type Named = { readonly [name in (typeof applied)[number] | "channel_binding"]?: string };

/**
 * What the parameters of an address say. Every one of them that matters is applied or refused: a misspelt `sslmode` must not end in plaintext.
 * @throws AddressRefusal
 */
export function parametersOf(query: string): Partial<AddressParts> {
  const named: Named = Object.fromEntries(namedIn(query));
  const tls = tlsOf(named);
  refuseUnbound(named, tls);
  const parts = {
    host: named.host === undefined ? null : hostOf(named.host),
    port: named.port === undefined ? null : portOf(named.port),
    user: named.user ?? null,
    password: named.password ?? null,
    database: named.dbname ?? null,
    options: named.options ?? null,
    tls,
    isDirectTls: isDirect(named, tls),
    ineffective: Object.keys(named).flatMap(ineffective),
  };
  const { sslrootcert = null, sslcert: certificate = null, sslkey: key = null } = named;
  return { ...parts, tlsFiles: { authority: authorityFile(sslrootcert), certificate, key } };
}

function ineffective(name: string): readonly string[] {
  return Object.hasOwn(otherwise, name) ? [`The parameter ${name} is not applied: ${otherwise[name]}.`] : [];
}

/** The file of a `sslrootcert`; null: the authorities that everybody trusts, which libpq calls `system`. */
export function authorityFile(sslrootcert: string | null): string | null {
  return sslrootcert === "system" ? null : sslrootcert;
}

function namedIn(query: string): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (const pair of query.split("&").filter((each) => each !== "")) {
    const [rawName, ...rest] = pair.split("=");
    if (pair.includes("+"))
      throw new AddressRefusal("The parameters contain a +: write it as %2B, a space as %20.");
    const name = decoded("parameters", rawName!) ?? "";
    const value = decoded(`parameter ${name}`, rest.join("=")) ?? "";
    if (named.has(name)) throw new AddressRefusal(`The parameter ${name} is there twice: name it once.`);
    refuseUnknown(name, value);
    if (value !== "") named.set(name, value);
  }
  return named;
}

function refuseUnknown(name: string, value: string): void {
  if ((applied as readonly string[]).includes(name) || withoutEffect.has(name)) return;
  if (Object.hasOwn(otherwise, name)) return;
  const allowed = Object.hasOwn(agreed, name) ? agreed[name]! : null;
  if (allowed?.includes(value.toLowerCase())) return;
  const way = Object.hasOwn(ways, name) ? `; ${ways[name]}` : "";
  throw new AddressRefusal(
    allowed && way === ""
      ? `The parameter ${name} may only be ${allowed.join(", ")}.`
      : `The parameter ${JSON.stringify(name)} would not be applied: remove it${way} (applied are ${applied.join(", ")}).`,
  );
}

/** As `pg` understands them: what asks for TLS gets it checked. */
const modes: Readonly<Record<string, TlsMode>> = {
  disable: "off",
  "no-verify": "unchecked",
  prefer: "full",
  require: "full",
  "verify-ca": "authority",
  "verify-full": "full",
};

const ssl: Readonly<Record<string, TlsMode>> = {
  true: "full",
  "1": "full",
  false: "off",
  "0": "off",
  "no-verify": "unchecked",
};

function tlsOf(named: Named): TlsMode | null {
  const { sslmode, ssl: flag, sslrootcert } = named;
  const byFlag = flag === undefined ? null : wordOf("ssl", ssl, flag);
  const byMode = sslmode === undefined ? null : modeOf(sslmode, named);
  if (byFlag !== null && byMode !== null && byFlag !== byMode) {
    throw new AddressRefusal("The parameters ssl and sslmode differ: name only sslmode.");
  }
  const tls = byMode ?? byFlag;
  const files = [sslrootcert, named.sslcert, named.sslkey].some((file) => file !== undefined);
  if (files && tls === "off")
    throw new AddressRefusal("The address turns TLS off and names files for it: leave one out.");
  return files ? (tls ?? "full") : tls;
}

/** As in libpq, whom everybody trusts is trusted for a name only. */
function modeOf(sslmode: string, { sslrootcert, uselibpqcompat = "false" }: Named): TlsMode {
  const isCompatible = wordOf("uselibpqcompat", { true: true, false: false }, uselibpqcompat);
  if (sslrootcert === "system") return tlsModeOf(sslmode, false);
  return tlsModeOf(sslmode, sslrootcert !== undefined, isCompatible);
}

/**
 * The mode of a word of libpq's. `verify-ca` without an authority of its own would trust whoever holds a public certificate, so that it is
 * held to the name as well. @throws AddressRefusal
 */
export function tlsModeOf(word: string, hasAuthority: boolean, isCompatible = false): TlsMode {
  const mode = wordOf("sslmode", modes, word);
  if (isCompatible && (word === "prefer" || word === "require"))
    return hasAuthority ? "authority" : "unchecked";
  return mode === "authority" && !hasAuthority ? "full" : mode;
}

function wordOf<T>(name: string, words: Readonly<Record<string, T>>, word: string): T {
  if (Object.hasOwn(words, word)) return words[word]!;
  throw new AddressRefusal(
    `The ${name} is ${JSON.stringify(word)}; allowed: ${Object.keys(words).join(", ")}.`,
  );
}

function isDirect({ sslnegotiation = "postgres" }: Named, tls: TlsMode | null): boolean {
  const isDirectTls = wordOf("sslnegotiation", { postgres: false, direct: true }, sslnegotiation);
  if (isDirectTls && (tls === null || tls === "off"))
    throw new AddressRefusal("The sslnegotiation is direct without TLS: add sslmode=verify-full.");
  return isDirectTls;
}

/** What the binding protects from, somebody in between, a checked certificate excludes. */
function refuseUnbound(named: Named, tls: TlsMode | null): void {
  if (named.channel_binding !== "require" || tls === "full" || tls === "authority") return;
  throw new AddressRefusal(
    "The channel_binding is require without a checked certificate: add sslmode=verify-full.",
  );
}
