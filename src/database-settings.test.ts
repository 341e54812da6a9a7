import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ConfigResult, readConfig } from "./read-config.ts";
import { pgAddressOf } from "./store/connections/pg-address.ts";

function read(environment: Record<string, string>, flags: Record<string, string> = {}): ConfigResult {
  return readConfig({ environment, flags, purpose: "tool", isTerminal: false });
}

/** What `pg` receives. */
function received(environment: Record<string, string>, flags?: Record<string, string>) {
  const result = read(environment, flags);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  const { database } = result.config;
  return database.type === "postgres" ? pgAddressOf(database.url) : null;
}

function refusal(environment: Record<string, string>, flags?: Record<string, string>): string {
  const result = read(environment, flags);
  return result.ok ? "" : result.problems.join("\n");
}

const character = fc.oneof(
  fc.constantFrom(..."@:/%#?&=+[]\\ '\"é😀𝒳"),
  fc.string({ unit: "binary", maxLength: 1 }),
);
const anyText = fc
  .array(character, { minLength: 1, maxLength: 15 })
  .map((parts) => parts.join(""))
  .filter((text) => text !== "" && !/[\r\n\0\ufffd]/.test(text) && text.isWellFormed());
const hostName = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/);
const directory = anyText.map((text) => `/${text}`);
const ipv6 = fc.constantFrom("::1", "fd00::a:1", "2001:db8::10", "::ffff:10.0.0.1");
const host = fc.oneof(hostName, ipv6, fc.constant("10.0.0.1"), directory);
const parts = fc.record({
  host,
  port: fc.integer({ min: 1, max: 65_535 }),
  user: anyText,
  password: anyText,
  database: anyText,
});

test("every part of DB_* is what PostgreSQL receives, whatever characters it has", () => {
  fc.assert(
    fc.property(parts, ({ host, port, user, password, database }) => {
      const environment = {
        DB_HOST: host,
        DB_PORT: `${port}`,
        DB_USERNAME: user,
        DB_PASSWORD: password,
        DB_NAME: database,
      };
      expect(received(environment)).toMatchObject({ host, port, user, password, database, ssl: false });
    }),
    { numRuns: 500 },
  );
});

test("every part of DATABASE_URL is what PostgreSQL receives, before the host or as a parameter", () => {
  fc.assert(
    fc.property(parts, ({ host, port, user, password, database }) => {
      const [u, p, d, h] = [user, password, database, host].map(encodeURIComponent);
      const place = host.includes(":") && !host.startsWith("/") ? `[${host}]` : h;
      const expected = { host, port, user, password, database };
      expect(received({ DATABASE_URL: `postgres://${u}:${p}@${place}:${port}/${d}` })).toMatchObject(
        expected,
      );
      const asParameters = `postgresql:///?dbname=${d}&host=${h}&port=${port}&user=${u}&password=${p}`;
      expect(received({ DATABASE_URL: asParameters })).toMatchObject(expected);
    }),
    { numRuns: 500 },
  );
});

test("an address that is no address never crashes, and never repeats what may be a password", () => {
  const pieces = fc.array(
    fc.oneof(character, fc.constantFrom("postgres://", "bob", "@", ":", "/", "?", "sslmode=", "%")),
  );
  fc.assert(
    fc.property(pieces, (given) => {
      const text = `postgres://ada:hunter2${given.join("")}`;
      if (/[\r\n\0\ufffd]/.test(text)) return;
      const result = read({ DATABASE_URL: text });
      const shown = result.ok ? result.readings.map((reading) => reading.shown) : result.problems;
      expect(shown.join().replaceAll("postgres://user:password@", "")).not.toContain("hunter2@");
    }),
    { numRuns: 500 },
  );
});

test("an address that was copied from another program may name itself and its keepalives, and nothing else that is not applied", () => {
  const copied =
    "postgres://ada:secret@db/whispr?application_name=app&keepalives_idle=30&tcp_user_timeout=5000";
  expect(received({ DATABASE_URL: copied })).toMatchObject({ host: "db", database: "whispr" });
  expect(read({ DATABASE_URL: `${copied}&sslcrl=/x` }).ok).toBe(false);
});

test.each([
  ["connect_timeout=10", "DB_CONNECT_TIMEOUT is the setting for it"],
  ["pgbouncer=true", "a pooler must pool by session"],
  ["connection_limit=1&pool_timeout=0", "DB_POOL_SIZE is the setting for it"],
])("a cloud's address with %s is taken, with a warning of what does that instead", (query, text) => {
  for (const given of [{ DATABASE_URL: `postgres://ada:secret@db/x?${query}` }, {}]) {
    const flags = given.DATABASE_URL ? {} : { "database-url": `postgres://ada:secret@db/x?${query}` };
    const result = read(given as Record<string, string>, flags);
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(result.warnings.join("\n")).toContain(text);
  }
});

test("the authorities that everybody trusts never make a certificate go unchecked", () => {
  const url = "postgres://db/x?sslrootcert=system";
  const checked = received({ DATABASE_URL: `${url}&sslmode=verify-full` })!.ssl;
  expect(checked).toEqual({ rejectUnauthorized: true });
  expect(received({ DATABASE_URL: `${url}&uselibpqcompat=true&sslmode=require` })!.ssl).toEqual(checked);
  expect(received({ DATABASE_URL: `${url}&sslmode=verify-ca` })!.ssl).toEqual(checked);
  expect(received({ DATABASE_URL: "postgres://db/x", PGSSLROOTCERT: "system" })!.ssl).toEqual(checked);
  expect(refusal({ DATABASE_URL: `${url}&sslmode=disable` })).toContain("turns TLS off");
});

describe("a host", () => {
  test.each([
    ["[::1]", "::1"],
    ["::1", "::1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["/run/postgresql", "/run/postgresql"],
    ["my_db", "my_db"],
    ["Db.Example.org.", "Db.Example.org."],
  ])("may be %s", (given, expected) => {
    expect(received({ DB_HOST: given, DB_NAME: "x" })).toMatchObject({ host: expected });
  });

  test.each([
    ["db:5433", "set the port (5433) apart"],
    ["db,standby", "several hosts"],
    ["run/postgresql", "no name"],
    ["postgres://db/x", "no name"],
    ["[db]", "no name"],
    ["db ", "no name"],
    ["@abstract", "no name"],
    [`/${"x".repeat(100)}`, "longer than"],
  ])("is not %s, and the refusal names DB_HOST and the reason", (given, reason) => {
    expect(refusal({ DB_HOST: given, DB_NAME: "x" })).toMatch(/^DB_HOST is .*; allowed: a name/);
    expect(refusal({ DB_HOST: given, DB_NAME: "x" })).toContain(reason);
  });
});

describe("a DATABASE_URL of which a part would be lost is refused by the part's name", () => {
  test.each([
    ["postgres://ada:p#ss@db/x", "#: write it as %23"],
    ["postgres://ada:100%@db/x", "password contains a %"],
    ["postgres://ada:p/ss@db/x", "write / as %2F"],
    ["postgres://ada:1/ss@db/x", "database contains a / or @"],
    ["postgres://db:99999/x", "port is no number"],
    ["postgres://db:0/x", "port is no number"],
    ["postgres://ada@::1/x", "brackets"],
    ["postgres://one,two/x", "several hosts"],
    ["postgres://db/x?host=other", "host twice"],
    ["postgres://ada@db/x?user=bob", "user twice"],
    ["postgres://db/x?sslMode=verify-full", '"sslMode" would not be applied'],
    ["postgres://db/x?sslmode=verify_full", "allowed: disable"],
    ["postgres://db/x?sslmode=allow", "allowed: disable"],
    ["postgres://db/x?sslmode=verify-full&sslmode=disable", "there twice"],
    ["postgres://db/x?sslmode=verify-full&ssl=0", "ssl and sslmode differ"],
    ["postgres://db/x?sslmode=disable&sslrootcert=/ca.pem", "turns TLS off"],
    ["postgres://db/x?statement_timeout=0", "DB_STATEMENT_TIMEOUT is the setting"],
    ["postgres://db/x?schema=chat", '"schema" would not be applied'],
    ["postgres://db/x?channel_binding=require", "without a checked certificate"],
    ["postgres://%2Frun%2Fpostgresql/x?sslmode=verify-full", "TLS on a Unix socket"],
    [`postgres://db/${"x".repeat(64)}`, "longer than 63 bytes"],
    ["postgres://a%00b@db/x", "zero byte"],
    ["postgres://db", "has no database name"],
    ["postgres://db/x\n", "a line break"],
    ["mysql://db/x", "has not that form"],
  ])("%s", (given, reason) => {
    expect(refusal({ DATABASE_URL: given })).toContain("DATABASE_URL");
    expect(refusal({ DATABASE_URL: given })).toContain(reason);
  });

  test.each([
    ["postgres://ada:p@ss:word@db/x", { user: "ada", password: "p@ss:word" }],
    ["postgres:///x?host=/run/postgresql", { host: "/run/postgresql", database: "x" }],
    ["postgresql://whispr@localhost/x?host=%2Frun%2Fpg", { host: "/run/pg", user: "whispr" }],
    ["postgres://ada@/x?host=/run/postgresql&port=5433", { port: 5433 }],
    ["postgres://[2001:db8::1]:6000/x", { host: "2001:db8::1", port: 6_000 }],
    ["postgres://ada@db/x?sslmode=require&channel_binding=require", { ssl: { rejectUnauthorized: true } }],
    ["postgres://ada@db/x?ssl=no-verify", { ssl: { rejectUnauthorized: false } }],
    ["postgres://ada@db/my%20data", { database: "my data" }],
    ["postgres://ada@db/x?sslmode=verify-full&sslrootcert=system", { ssl: { rejectUnauthorized: true } }],
    ["postgres://ada@db/x?sslrootcert=system", { ssl: { rejectUnauthorized: true } }],
    ["postgres://ada@db/x?sslmode=require&sslsni=1&ssl_min_protocol_version=TLSv1.2", { database: "x" }],
    ["postgres://ada@db/x?schema=public&load_balance_hosts=disable", { database: "x" }],
  ])("but not %s", (given, expected) => {
    expect(received({ DATABASE_URL: given })).toMatchObject(expected as object);
  });
});

describe("what protects is never overridden in silence", () => {
  const url = "postgres://ada:pw@db/x";

  test("DB_SSL holds for DATABASE_URL, also when that is given as a flag", () => {
    const verified = { ssl: { rejectUnauthorized: true } };
    expect(received({ DATABASE_URL: url, DB_SSL: "verify" })).toMatchObject(verified);
    expect(received({ DB_SSL: "verify" }, { "database-url": url })).toMatchObject(verified);
    expect(received({ DATABASE_URL: url, DB_SSL: "no-verify" })).toMatchObject({
      ssl: { rejectUnauthorized: false },
    });
  });

  test.each([
    [{ DATABASE_URL: `${url}?sslmode=disable`, DB_SSL: "verify" }, "DATABASE_URL and DB_SSL differ"],
    [{ DATABASE_URL: `${url}?sslmode=verify-full`, DB_SSL: "off" }, "DATABASE_URL and DB_SSL differ"],
    [{ DATABASE_URL: `${url}?sslmode=no-verify`, PGSSLMODE: "verify-full" }, "PGSSLMODE is verify-full"],
    [{ DATABASE_URL: url, DB_SSL: "off", PGSSLMODE: "require" }, "PGSSLMODE is require"],
    [{ DATABASE_URL: url, PGSSLMODE: "verify_full" }, "PGSSLMODE is not allowed"],
    [{ DATABASE_URL: url, PGSSLCRL: "/crl.pem" }, "PGSSLCRL is set"],
    [{ DATABASE_URL: url, PGCHANNELBINDING: "require" }, "PGCHANNELBINDING is set"],
    [{ DATABASE_URL: url, DB_SSLMODE: "verify-full" }, "DB_SSLMODE is not a setting"],
    [{ DB_SSL: "verify" }, "DB_SSL: your own PostgreSQL needs"],
    [{ DB_HOST: "/run/pg", DB_NAME: "x", DB_SSL: "verify" }, "TLS on a Unix socket"],
    [{ CORS_ALLOWED_ORIGINS: "https://app.example.org,*" }, "* alone"],
  ])("%j is refused by name", (environment, reason) => {
    expect(refusal(environment as Record<string, string>)).toContain(reason);
  });

  test("PGCHANNELBINDING is kept by a checked certificate, and refused without one", () => {
    const required = { DATABASE_URL: url, PGCHANNELBINDING: "require" };
    for (const more of [{ PGSSLMODE: "require" }, { DB_SSL: "verify" }])
      expect(received({ ...required, ...more })!.ssl).toMatchObject({ rejectUnauthorized: true });
    expect(received({ ...required, DATABASE_URL: `${url}?sslmode=require` })).toMatchObject({ host: "db" });
    expect(refusal({ ...required, DB_SSL: "no-verify" })).toContain("PGCHANNELBINDING is set");
  });

  test("PGSSLMODE and PGSSLROOTCERT hold where nothing else is said, and for no Unix socket", () => {
    expect(received({ DATABASE_URL: url, PGSSLMODE: "verify-full" })).toMatchObject({
      ssl: { rejectUnauthorized: true },
    });
    expect(refusalOfFile({ DATABASE_URL: url, PGSSLROOTCERT: "/nowhere/ca.pem" })).toContain(
      "The file of sslrootcert, /nowhere/ca.pem, cannot be read (ENOENT)",
    );
    const result = read({ DB_HOST: "/run/pg", DB_NAME: "x", PGSSLMODE: "verify-full" });
    expect(result.ok && result.warnings).toEqual([
      "PGSSLMODE does not apply: there is no TLS on a Unix socket.",
    ]);
  });

  test("the embedded database has no TLS, and no variable of libpq reaches it", () => {
    expect(received({ PGSSLMODE: "verify-full", PGPORT: "1", PGHOST: "elsewhere" })).toBeNull();
    expect(pgAddressOf("postgresql://whispr@localhost/whispr?host=%2Frun")).toMatchObject({
      ssl: false,
      port: 5432,
    });
  });

  test("dev says that it does not use the keys that are set", () => {
    const environment = { JWT_PUBLIC_KEYS_FILE: "/keys" };
    const result = readConfig({ environment, flags: {}, purpose: "dev", isTerminal: false });
    expect(result.ok && result.warnings).toEqual([
      "JWT_PUBLIC_KEYS_FILE is ignored here: dev makes its own keys.",
    ]);
  });
});

describe("DB_* beside DATABASE_URL", () => {
  test("fill what it leaves out, and may say the same", () => {
    const environment = {
      DATABASE_URL: "postgres://db/x",
      DB_HOST: "db",
      DB_PASSWORD: "pw",
      DB_PORT: "5433",
    };
    expect(received(environment)).toMatchObject({ host: "db", port: 5433, password: "pw", database: "x" });
  });

  test.each([
    ["DB_HOST", "other"],
    ["DB_PORT", "5433"],
    ["DB_USERNAME", "bob"],
    ["DB_PASSWORD", "other"],
    ["DB_NAME", "other"],
  ])("%s that differs is refused", (name, value) => {
    const problem = refusal({ DATABASE_URL: "postgres://ada:pw@db:5432/x", [name]: value });
    expect(problem).toBe(`DATABASE_URL and ${name} differ: set only one of them.`);
  });

  test("a flag names another database: they are ignored with a warning", () => {
    const flags = { "database-url": "postgres://ada@db/x" };
    const result = read({ DB_HOST: "other", DB_NAME: "y", DB_PASSWORD: "pw" }, flags);
    expect(result.ok && result.warnings).toEqual(
      ["DB_HOST", "DB_PASSWORD", "DB_NAME"].map(
        (name) => `${name} is ignored: --database-url names another database.`,
      ),
    );
    expect(received({ DB_PASSWORD: "pw" }, flags)?.password).toBeUndefined();
  });

  test("DB_USER is no setting, and the warning names the one that is", () => {
    const result = read({ DB_USER: "whispr" });
    expect(result.ok && result.warnings).toEqual(["DB_USER is not a setting; did you mean DB_USERNAME?"]);
  });
});

function refusalOfFile(environment: Record<string, string>): string {
  try {
    return String(received(environment));
  } catch (error) {
    return String(error);
  }
}

describe("other addresses", () => {
  test("what is listened on is a host without a port, IPv6 with brackets or without", () => {
    for (const given of ["::1", "[::1]"]) {
      const result = read({ HOST: given, ADMIN_HOST: given });
      expect(result.ok && result.config.http.host).toBe("::1");
      expect(result.ok && result.config.admin?.host).toBe("::1");
    }
    for (const given of ["localhost:4000", "http://localhost", "/run/whispr.sock", "a b", "[host]"])
      expect(refusal({ HOST: given })).toMatch(
        /^HOST is .*; allowed: a name or an IP address, without a port/,
      );
  });

  test.each([
    "https:/auth.example/keys",
    "https:auth.example/keys",
    "https:///auth.example/keys",
    "https://auth.example/keys#new",
    "https://auth.example/ keys",
    "https:\\\\auth.example\\keys",
    "https://auth.example:99999/keys",
    "//auth.example/keys",
  ])("the address of the keys is not %s, which a browser would repair", (given) => {
    expect(refusal({ JWT_JWKS_URL: given })).toMatch(
      /^JWT_JWKS_URL is .*; allowed: an address that begins with/,
    );
  });

  test("a value that is no UTF-8 is refused rather than sent as something else", () => {
    expect(refusal({ DB_HOST: "db", DB_NAME: "x", DB_PASSWORD: "p\ufffd" })).toMatch(
      /^DB_PASSWORD is not allowed/,
    );
  });
});
