import { describe, expect, test } from "bun:test";
import type { Config } from "./config.ts";
import { type ConfigResult, readConfig } from "./read-config.ts";
import { settings } from "./settings.ts";
import { limitsOff } from "./testing/costs/limits-off.ts";

const keys = { JWT_JWKS_URL: "http://auth.example/jwks.json" };

function read(
  environment: Record<string, string>,
  more: { purpose?: "serve" | "dev" | "tool"; flags?: Record<string, string> } = {},
): ConfigResult {
  const { purpose = "serve", flags = {} } = more;
  return readConfig({ environment, flags, purpose, isTerminal: false });
}

function accepted(result: ConfigResult): Config {
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.config;
}

function problems(result: ConfigResult): readonly string[] {
  return result.ok ? [] : result.problems;
}

describe("defaults", () => {
  test("serve listens everywhere on 4000, operators on loopback 9464, the database is the embedded one", () => {
    const config = accepted(read({ ...keys, HOME: "/home/ada" }));
    expect(config.http).toEqual({ host: "0.0.0.0", port: 4000 });
    expect(config.admin).toEqual({ host: "127.0.0.1", port: 9464 });
    expect(config.database).toEqual({ type: "embedded" });
    expect(config.dataDir).toBe("/home/ada/.local/share/whispr-msg");
  });

  test("the data directory follows XDG_DATA_HOME, then HOME, then the current directory", () => {
    expect(accepted(read({ ...keys, HOME: "/home/ada", XDG_DATA_HOME: "/xdg" })).dataDir).toBe(
      "/xdg/whispr-msg",
    );
    expect(accepted(read(keys)).dataDir).toBe("./whispr-data");
  });

  test("dev listens on loopback only and needs no keys", () => {
    const config = accepted(read({}, { purpose: "dev" }));
    expect(config.http.host).toBe("127.0.0.1");
    expect(config.tokens.keys).toBeNull();
  });

  test("every setting's own default is a value that it allows", () => {
    for (const { kind, fallback } of Object.values(settings)) {
      if (fallback === null || typeof fallback === "function") continue;
      const shown = (kind as { show(value: unknown): string }).show(fallback);
      expect(kind.parse(shown)).toEqual(fallback);
    }
  });

  test("no variable and no flag belongs to two settings", () => {
    const all: { variables: readonly string[]; flag?: string }[] = Object.values(settings);
    const names = all.flatMap(({ variables, flag }) => [...variables, ...(flag ? [`--${flag}`] : [])]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("where a value comes from", () => {
  test("a flag wins over its variable", () => {
    expect(accepted(read({ ...keys, PORT: "4001" }, { flags: { port: "4002" } })).http.port).toBe(4002);
  });

  test("an empty variable counts as not set", () => {
    expect(accepted(read({ ...keys, PORT: "", HTTP_PORT: "4010" })).http.port).toBe(4010);
  });

  test("PORT and HTTP_PORT may agree, and are refused when they differ", () => {
    expect(accepted(read({ ...keys, PORT: "4010", HTTP_PORT: "4010" })).http.port).toBe(4010);
    expect(problems(read({ ...keys, PORT: "1", HTTP_PORT: "2" }))).toEqual([
      "PORT and HTTP_PORT differ: set only one of them.",
    ]);
  });

  test("each reading tells its source, and hides secrets", () => {
    const result = read({
      ...keys,
      DB_HOST: "db",
      DB_NAME: "whispr",
      DB_PASSWORD: "hunter2",
      LOG_LEVEL: "warning",
    });
    const readings = result.ok ? result.readings : [];
    const of = (name: string) => readings.find((reading) => reading.name === name);
    expect(of("logLevel")).toMatchObject({ source: "$LOG_LEVEL", value: "warn" });
    expect(of("dbPassword")?.shown).toBe("(hidden)");
    expect(readings.map(({ shown }) => shown).join()).not.toContain("hunter2");
  });

  test("an address is shown without the password in it", () => {
    for (const url of ["postgres://ada:hunter2@db/whispr", "postgres://ada@db/whispr?password=hunter3"]) {
      const result = read({ ...keys, DATABASE_URL: url });
      const shown = result.ok ? result.readings.map((reading) => reading.shown).join() : "";
      expect(shown).toContain("postgres://ada:***@db/whispr");
      expect(shown).not.toContain("hunter");
    }
  });
});

describe("a wrong value", () => {
  test("is refused with its name, its value and what is allowed, all of them at once", () => {
    const found = problems(read({ PORT: "http", LOG_LEVEL: "loud", WHISPR_STOP_TIMEOUT: "soon" }));
    expect(found).toHaveLength(4);
    expect(found[0]).toBe('PORT is "http"; allowed: a whole number from 0 to 65535.');
    expect(found[1]).toContain('LOG_LEVEL is "loud"; allowed: trace, debug, info, warn, error, fatal.');
    expect(found[2]).toContain('WHISPR_STOP_TIMEOUT is "soon"');
    expect(found[3]).toContain("There are no keys to verify tokens");
  });

  test("of an address is not repeated, since it may hold a password", () => {
    const found = problems(read({ ...keys, DATABASE_URL: "mysql://ada:hunter2@db/whispr" }));
    expect(found[0]).toContain("DATABASE_URL");
    expect(found.join()).not.toContain("hunter2");
  });

  test("from Kubernetes' service links is recognised", () => {
    expect(problems(read({ ...keys, PORT: "tcp://10.0.0.1:80" }))[0]).toContain("enableServiceLinks: false");
  });

  test("of a flag is refused by the flag's name", () => {
    expect(problems(read(keys, { flags: { port: "x" } }))[0]).toStartWith("--port is");
  });
});

describe("the database", () => {
  test("DB_* become one address in which a password keeps every character", () => {
    const parts = { DB_HOST: "db", DB_NAME: "whispr", DB_PASSWORD: "p@:/ %", DB_SSL: "true" };
    const { database } = accepted(read({ ...keys, ...parts }));
    const url = new URL(database.type === "postgres" ? database.url : "none:");
    expect(decodeURIComponent(url.password)).toBe("p@:/ %");
    expect(url.searchParams.get("sslmode")).toBe("verify-full");
    expect(`${url.username} ${url.hostname} ${url.port} ${url.pathname}`).toBe("postgres db 5432 /whispr");
  });

  test("half of DB_* is refused rather than ignored", () => {
    expect(problems(read({ ...keys, DB_HOST: "db" }))[0]).toContain("DB_HOST and DB_NAME");
  });
});

describe("what serve is held to", () => {
  test("without keys it refuses, and with two sources of keys too", () => {
    expect(problems(read({}))[0]).toContain("JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE");
    expect(problems(read({ ...keys, JWT_PUBLIC_KEYS_FILE: "/keys" }))[0]).toContain("set only one of them");
  });

  test.each(["REDIS_URL", "REDIS_HOST", "REDIS_SENTINELS"])(
    "%s is refused: it must not silently run alone",
    (name) => {
      const found = problems(read({ ...keys, [name]: "redis:6379" }));
      expect(found[0]).toStartWith(`${name} asks for the cluster mode, which comes in a later version`);
    },
  );

  test("REDIS_PORT as Kubernetes injects it is refused by name, with the way out", () => {
    const found = problems(
      read({ ...keys, REDIS_PORT: "tcp://10.0.0.1:6379", REDIS_SERVICE_HOST: "10.0.0.1" }),
    );
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^REDIS_PORT .*enableServiceLinks: false/);
  });

  test("the other commands only warn of Redis", () => {
    const result = read({ REDIS_URL: "redis://x" }, { purpose: "dev" });
    expect(result.ok && result.warnings[0]).toContain("REDIS_URL is ignored here");
  });
});

describe("limits", () => {
  test("are those of the design by default, and each is off at 0", () => {
    const { limits, maxLoopLatenessMs, trustedProxies } = accepted(read(keys));
    expect(limits).toEqual({
      user_messages: { perMinute: 100, burst: 200 },
      user_operations: { perMinute: 1_000, burst: 1_000 },
      user_typing: { perMinute: 400, burst: 400 },
      user_marks: { perMinute: 5_000, burst: 5_000 },
      user_reads: { perMinute: 120_000, burst: 120_000 },
      user_backlog: { perMinute: 120_000, burst: 120_000 },
      user_joins: { perMinute: 20_000, burst: 20_000 },
      user_members_added: { perMinute: 500, burst: 2_000 },
      pair_memberships: { perMinute: 0.5, burst: 30 },
      user_pushed: { perMinute: 45_000_000, burst: 838_860.8 },
      user_delivered: { perMinute: 256_000_000, burst: 256_000_000 },
      conversation_messages: { perMinute: 30, burst: 10 },
      connection_operations: { perMinute: 200, burst: 200 },
      connection_typing: { perMinute: 200, burst: 200 },
      connection_reads: { perMinute: 1_000, burst: 1_000 },
      connection_joins: { perMinute: 5_000, burst: 5_000 },
      user_frames: { perMinute: 60_000, burst: 20_000 },
      address_failures: { perMinute: 120, burst: 120 },
      user_handshakes: { perMinute: 120, burst: 120 },
      process_handshakes: { perMinute: 0, burst: 1 },
    });
    expect([maxLoopLatenessMs, trustedProxies]).toEqual([200, []]);
    const off = accepted(read({ ...keys, ...limitsOff }));
    expect(new Set(Object.values(off.limits).map(({ perMinute }) => perMinute))).toEqual(new Set([0]));
    expect(off.maxLoopLatenessMs).toBe(0);
  });

  test("trusted proxies are addresses and networks", () => {
    const trusted = (text: string) => read({ ...keys, TRUSTED_PROXIES: text });
    expect(accepted(trusted("10.0.0.0/8, ::1,192.168.1.1")).trustedProxies).toEqual([
      "10.0.0.0/8",
      "::1",
      "192.168.1.1",
    ]);
    for (const wrong of ["proxy.local", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0/8"])
      expect(problems(trusted(wrong))[0]).toStartWith(`TRUSTED_PROXIES is "${wrong}"; allowed: addresses or`);
  });
});

test("durations are milliseconds or carry a unit", () => {
  expect(accepted(read({ ...keys, WHISPR_STOP_TIMEOUT: "1500" })).stopTimeoutMs).toBe(1_500);
  expect(accepted(read({ ...keys, WHISPR_STOP_TIMEOUT: "30s" })).stopTimeoutMs).toBe(30_000);
  expect(accepted(read({ ...keys, WS_SESSION_MAX: "12h" })).sockets.sessionMaxMs).toBe(12 * 3_600_000);
});

test("ADMIN_PORT 0 turns the admin listener off", () => {
  expect(accepted(read({ ...keys, ADMIN_PORT: "0" })).admin).toBeNull();
});
