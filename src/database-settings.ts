import type { SettingContext } from "./settings.ts";
import {
  type AddressParts,
  AddressRefusal,
  checkedParts,
  hostOf,
  isSocket,
  noParts,
  portOf,
  type TlsMode,
} from "./store/connections/database-address.ts";
import { databaseUrlOf } from "./store/connections/database-url.ts";
import { authorityFile, tlsModeOf } from "./store/connections/database-url-parameters.ts";

export type DatabaseConfig =
  | { readonly type: "embedded" }
  /** The address is complete: environment variables add nothing to it. */
  | { readonly type: "postgres"; readonly url: string };

type Environment = SettingContext["environment"];

/** The values of the settings; undefined: already refused. */
export interface DatabaseValues {
  readonly databaseUrl: AddressParts | null | undefined;
  readonly dbHost: string | null | undefined;
  readonly dbPort: number | undefined;
  readonly dbUsername: string | undefined;
  readonly dbPassword: string | null | undefined;
  readonly dbName: string | null | undefined;
  readonly dbSsl: "verify" | "no-verify" | "off" | undefined;
}

export interface ChosenDatabase {
  readonly database: DatabaseConfig;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const dbParts = {
  host: "DB_HOST",
  port: "DB_PORT",
  user: "DB_USERNAME",
  password: "DB_PASSWORD",
  database: "DB_NAME",
  tls: "DB_SSL",
} as const;
type DbPart = keyof typeof dbParts;

const tlsOfSsl = { verify: "full", "no-verify": "unchecked", off: "off" } as const;

/**
 * Makes one address of DATABASE_URL, DB_* and the variables of libpq. Each supplies what the one before leaves out. Two that differ are
 * refused, so that none is overridden silently.
 */
export function chooseDatabase(
  values: DatabaseValues,
  given: SettingContext & { readonly flags: Readonly<Record<string, string | undefined>> },
): ChosenDatabase {
  const chosen = new Choice(given.environment, given.flags["database-url"] !== undefined);
  try {
    const parts = values.databaseUrl ? chosen.ofUrl(values.databaseUrl, values) : chosen.ofParts(values);
    if (parts === null) return chosen.with({ type: "embedded" });
    const whole = checkedParts(chosen.completed(parts));
    if (whole.database === null)
      throw new AddressRefusal("DATABASE_URL has no database name: add it, or set DB_NAME.");
    return chosen.with({ type: "postgres", url: databaseUrlOf(whole) });
  } catch (error) {
    if (!(error instanceof AddressRefusal)) throw error;
    return chosen.refused(error.message);
  }
}

class Choice {
  readonly #environment: Environment;
  readonly #isFlag: boolean;
  readonly #problems: string[] = [];
  readonly #warnings: string[] = [];

  constructor(environment: Environment, isFlag: boolean) {
    this.#environment = environment;
    this.#isFlag = isFlag;
  }

  with(database: DatabaseConfig): ChosenDatabase {
    return { database, problems: this.#problems, warnings: this.#warnings };
  }

  refused(problem: string): ChosenDatabase {
    this.#problems.push(problem);
    return this.with({ type: "embedded" });
  }

  /** Lets DB_* supply what the address leaves out. With the option --database-url, which is for another database, only DB_SSL applies. */
  ofUrl(url: AddressParts, values: DatabaseValues): AddressParts {
    const set = this.#setParts(values);
    this.#warnings.push(...url.ineffective.map((text) => `${this.#name}: ${text}`));
    const filled: Record<string, unknown> = {};
    for (const part of Object.keys(set) as DbPart[]) {
      const isOfOther = this.#isFlag && part !== "tls";
      if (url[part] === set[part]) continue;
      if (url[part] === null && !isOfOther) filled[part] = set[part];
      else this.#noteDifference(dbParts[part], isOfOther);
    }
    return { ...url, ...filled };
  }

  #noteDifference(name: string, isOfOther: boolean): void {
    if (isOfOther) this.#warnings.push(`${name} is ignored: --database-url names another database.`);
    else this.#problems.push(`${this.#name} and ${name} differ: set only one of them.`);
  }

  get #name(): string {
    return this.#isFlag ? "--database-url" : "DATABASE_URL";
  }

  /** Returns the address of DB_*, or null if they are not set or not complete. */
  ofParts(values: DatabaseValues): AddressParts | null {
    const set = this.#setParts(values);
    const { dbHost, dbPort, dbUsername, dbName } = values;
    if (dbHost && dbName) {
      return { ...noParts, port: dbPort ?? null, user: dbUsername ?? null, ...set };
    }
    const names = (Object.keys(set) as DbPart[])
      .filter((part) => set[part] !== "off")
      .map((part) => dbParts[part]);
    if (names.length > 0 && values.databaseUrl === null) {
      this.#problems.push(
        `${names.join(", ")}: your own PostgreSQL needs DATABASE_URL, or DB_HOST and DB_NAME.`,
      );
    }
    return null;
  }

  #setParts(values: DatabaseValues): Partial<AddressParts> {
    const { dbHost, dbPort, dbUsername, dbPassword, dbName, dbSsl } = values;
    const all: Partial<AddressParts> = {
      host: dbHost ?? null,
      port: dbPort ?? null,
      user: dbUsername ?? null,
      password: dbPassword ?? null,
      database: dbName ?? null,
      tls: dbSsl ? tlsOfSsl[dbSsl] : null,
    };
    const isSet = ([part, value]: [string, unknown]) =>
      value !== null && Boolean(this.#environment[dbParts[part as DbPart]]);
    return Object.fromEntries(Object.entries(all).filter(isSet));
  }

  /** Adds what the variables of libpq set. */
  completed(parts: AddressParts): AddressParts {
    const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGOPTIONS } = this.#environment;
    const whole = {
      ...parts,
      host: parts.host ?? fromVariable("PGHOST", PGHOST, hostOf) ?? "localhost",
      port: parts.port ?? fromVariable("PGPORT", PGPORT, portOf) ?? 5432,
      user: parts.user ?? (PGUSER || null),
      password: parts.password ?? (PGPASSWORD || null),
      database: parts.database ?? (PGDATABASE || null),
      options: parts.options ?? (PGOPTIONS || null),
    };
    const chosen = this.#protected(whole);
    refuseUnknownVariables(this.#environment, chosen.tls);
    return chosen;
  }

  #protected(parts: AddressParts): AddressParts {
    const { tls, tlsFiles } = withVariables(parts, this.#environment);
    if (isSocket(parts.host ?? "")) {
      if (parts.tls === null && tls !== null && tls !== "off")
        this.#warnings.push("PGSSLMODE does not apply: there is no TLS on a Unix socket.");
      return parts;
    }
    const asked = this.#environment.PGSSLMODE ? tls : null;
    if (parts.tls !== null && asked !== null && isWeaker(parts.tls, asked)) {
      this.#problems.push(
        `PGSSLMODE is ${this.#environment.PGSSLMODE}, and DB_SSL or sslmode in DATABASE_URL asks for less: unset one of them.`,
      );
    }
    const mode = parts.tls ?? tls;
    return { ...parts, tls: mode, tlsFiles: mode === "off" ? noParts.tlsFiles : tlsFiles };
  }
}

const strengths: readonly TlsMode[] = ["off", "unchecked", "authority", "full"];

function isWeaker(one: TlsMode, other: TlsMode): boolean {
  return strengths.indexOf(one) < strengths.indexOf(other);
}

/** Returns the TLS that libpq's variables require; files of the address come first. */
function withVariables(
  { tlsFiles: named }: AddressParts,
  { PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY }: Environment,
): Pick<AddressParts, "tls" | "tlsFiles"> {
  const tlsFiles = {
    authority: named.authority ?? authorityFile(PGSSLROOTCERT || null),
    certificate: named.certificate ?? (PGSSLCERT || null),
    key: named.key ?? (PGSSLKEY || null),
  };
  const hasFiles = PGSSLROOTCERT === "system" || Object.values(tlsFiles).some((file) => file !== null);
  const word = (text: string) => tlsModeOf(text, tlsFiles.authority !== null);
  return { tls: fromVariable("PGSSLMODE", PGSSLMODE, word) ?? (hasFiles ? "full" : null), tlsFiles };
}

function fromVariable<T>(name: string, text: string | undefined, parse: (text: string) => T): T | null {
  if (!text) return null;
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof AddressRefusal
      ? new AddressRefusal(`${name} is not allowed. ${error.message}`)
      : error;
  }
}

/** Variables of libpq that require what `pg` does not do, and the values that require nothing more than we do. */
const notApplied: Readonly<Record<string, readonly string[]>> = {
  PGCHANNELBINDING: ["disable", "prefer"],
  PGGSSENCMODE: ["disable", "prefer"],
  PGHOSTADDR: [],
  PGREQUIREAUTH: [],
  PGREQUIREPEER: [],
  PGREQUIRESSL: ["0"],
  PGSERVICE: [],
  PGSSLCERTMODE: ["allow", "disable"],
  PGSSLCRL: [],
  PGSSLCRLDIR: [],
  PGSSLMAXPROTOCOLVERSION: ["TLSv1.3"],
  PGSSLMINPROTOCOLVERSION: ["TLSv1", "TLSv1.1", "TLSv1.2"],
  PGTARGETSESSIONATTRS: ["any", "read-write", "primary"],
};

/** A required channel binding protects against an attacker in between; so does a checked certificate. */
function refuseUnknownVariables(environment: Environment, tls: TlsMode | null): void {
  const isChecked = tls === "full" || tls === "authority";
  for (const [name, harmless] of Object.entries(notApplied)) {
    const text = environment[name];
    if (!text || harmless.includes(text)) continue;
    if (name === "PGCHANNELBINDING" && text === "require" && isChecked) continue;
    throw new AddressRefusal(`${name} is set, but whispr-msg cannot apply it to its connections: unset it.`);
  }
}
