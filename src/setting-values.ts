import { isIP } from "node:net";
import { toUuid } from "./core/ports/ids.ts";
import { type AddressParts, AddressRefusal, hostOf, isSocket } from "./store/connections/database-address.ts";
import { databaseUrlOf, parseDatabaseUrl } from "./store/connections/database-url.ts";

/** How the text of a setting becomes a value. `parse` returns undefined for a text that is not allowed. */
export interface ValueKind<T> {
  /** What is allowed, for refusals and `config`: "a whole number from 0 to 65535". */
  readonly allowed: string;
  /** The allowed words, if there are only a few; a shell completes them. */
  readonly words?: readonly string[];
  parse(text: string): T | undefined;
  /** Says why a text is not allowed, without repeating what may be secret. */
  reason?(text: string): string | undefined;
  /** Formats the value as a person would write it, without secret parts. */
  show(value: T): string;
}

export function integer(min: number, max: number): ValueKind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse: (text) => (/^\d{1,15}$/.test(text) ? inRange(Number(text), min, max) : undefined),
    show: String,
  };
}

function inRange(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A `duration`, or 0 for off. */
export function durationOrOff(minMs: number, maxMs: number): ValueKind<number> {
  const { allowed, parse, show } = duration(minMs, maxMs);
  return {
    allowed: `${allowed}; 0 = off`,
    parse: (text) => (/^0(ms|s|m|h|d)?$/.test(text) ? 0 : parse(text)),
    show,
  };
}

/** Milliseconds, written as `1500`, `1500ms`, `30s`, `15m`, `12h` or `7d`. */
export function duration(minMs: number, maxMs: number): ValueKind<number> {
  return {
    allowed: `milliseconds or a time like 500ms, 30s, 15m, 12h, from ${showDuration(minMs)} to ${showDuration(maxMs)}`,
    parse: (text) => {
      const match = /^(\d{1,13})(ms|s|m|h|d)?$/.exec(text);
      return match ? inRange(Number(match[1]) * unitsMs[match[2] ?? "ms"]!, minMs, maxMs) : undefined;
    },
    show: showDuration,
  };
}

function showDuration(valueMs: number): string {
  for (const unit of ["h", "m", "s"]) {
    const size = unitsMs[unit]!;
    if (valueMs > 0 && valueMs % size === 0) return `${valueMs / size}${unit}`;
  }
  return `${valueMs}ms`;
}

const truths: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false,
};

export const flag: ValueKind<boolean> = {
  allowed: "1 or 0 (true, yes, on; false, no, off)",
  words: ["1", "0"],
  parse: (text) => truths[text.toLowerCase()],
  show: (value) => (value ? "1" : "0"),
};

/** One of several words, each with its meaning; several words may have the same meaning. */
export function choice<T extends string>(words: Readonly<Record<string, T>>): ValueKind<T> {
  const meanings = [...new Set(Object.values(words))];
  return {
    allowed: meanings.join(", "),
    words: meanings,
    parse: (text) => (Object.hasOwn(words, text.toLowerCase()) ? words[text.toLowerCase()] : undefined),
    show: String,
  };
}

/** U+FFFD stands for bytes that are not UTF-8, so the intended value is lost. */
const unfit = /[\r\n\0\ufffd]/;

export const text: ValueKind<string> = {
  allowed: "a text without line breaks, in UTF-8",
  parse: (given) => (unfit.test(given) ? undefined : given),
  show: String,
};

export const uuid: ValueKind<string> = {
  allowed: "a UUID like 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  parse: (given) => toUuid(given) ?? undefined,
  show: String,
};

export const list: ValueKind<readonly string[]> = {
  allowed: "values separated by commas",
  parse: (given) => {
    const parts = given.split(",").map((part) => part.trim());
    return parts.every((part) => part !== "" && !unfit.test(part)) ? parts : undefined;
  },
  show: (parts) => parts.join(","),
};

/** Refuses spaces, backslashes, missing slashes and #, which the parser of URL would repair or drop. */
export function url(protocols: readonly string[]): ValueKind<string> {
  return {
    allowed: `an address that begins with ${protocols.map((name) => `${name}//`).join(" or ")}, without spaces and #`,
    parse: (given) =>
      /^[a-z]+:\/\/[^\s\\#/?][^\s\\#]*$/i.test(given) &&
      !unfit.test(given) &&
      URL.canParse(given) &&
      protocols.includes(new URL(given).protocol)
        ? given
        : undefined,
    show: hidePassword,
  };
}

function hidePassword(given: string): string {
  const parsed = new URL(given);
  if (parsed.password) parsed.password = "***";
  return parsed.toString();
}

/** PostgreSQL's own form of address. */
export const databaseUrl: ValueKind<AddressParts> = {
  allowed: "postgres://user:password@host:5432/database, with special characters percent-encoded",
  ...refusing(parseDatabaseUrl),
  show: (parts) => databaseUrlOf({ ...parts, password: parts.password === null ? null : "***" }),
};

export const databaseHost: ValueKind<string> = {
  allowed: "a name, an IP address, or the directory of a Unix socket like /run/postgresql",
  ...refusing(hostOf),
  show: String,
};

/** An address to listen on. */
export const listenHost: ValueKind<string> = {
  allowed: "a name or an IP address, without a port",
  ...refusing((given) => {
    // In brackets it is written like in a URL, where % is %25 (RFC 6874).
    const host = hostOf(given.startsWith("[") ? given.replace("%25", "%") : given);
    if (isSocket(host)) throw new AddressRefusal("A Unix socket is not allowed here.");
    return host;
  }),
  show: String,
};

function refusing<T>(read: (given: string) => T): Required<Pick<ValueKind<T>, "parse" | "reason">> {
  const attempt = (given: string): { readonly value?: T; readonly reason?: string } => {
    try {
      return { value: read(given) };
    } catch (error) {
      if (error instanceof AddressRefusal) return { reason: error.message };
      throw error;
    }
  };
  return { parse: (given) => attempt(given).value, reason: (given) => attempt(given).reason };
}

/** Addresses (IPv4, IPv6) and networks in the form address/bits. */
export const networks: ValueKind<readonly string[]> = {
  allowed: "addresses or networks like 10.0.0.0/8 and fd00::/8, separated by commas",
  parse: (given) => {
    const parts = list.parse(given);
    return parts?.every(isNetwork) ? parts : undefined;
  },
  show: list.show,
};

function isNetwork(part: string): boolean {
  const [address, bits = "0", ...more] = part.split("/");
  const version = isIP(address!);
  return (
    version !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)
  );
}

/** Origins of browsers that may call, or `*`. */
export const origins: ValueKind<readonly string[]> = {
  allowed: "* alone, or origins like https://app.example.org, separated by commas",
  parse: (given) => {
    const parts = list.parse(given);
    const isEverything = parts?.includes("*") && parts.length > 1;
    return !isEverything && parts?.every((part) => part === "*" || isOrigin(part)) ? parts : undefined;
  },
  show: list.show,
};

/** Accepts schemes of apps made of web pages too: `capacitor://localhost`. */
function isOrigin(part: string): boolean {
  const url = URL.parse(part);
  if (!url) return false;
  return part === (url.origin === "null" && url.host !== "" ? `${url.protocol}//${url.host}` : url.origin);
}
