import { describe, expect, test } from "bun:test";
import { type ConfigResult, readConfig } from "./read-config.ts";

const keys = { JWT_JWKS_URL: "http://auth.example/jwks.json" };
type Purpose = "serve" | "dev" | "tool" | "look";

function read(environment: Record<string, string>, purpose: Purpose = "serve"): ConfigResult {
  return readConfig({ environment: { ...keys, ...environment }, flags: {}, purpose, isTerminal: false });
}

function problems(result: ConfigResult): readonly string[] {
  return result.ok ? [] : result.problems;
}

function warnings(result: ConfigResult): readonly string[] {
  return result.ok ? result.warnings : result.problems;
}

describe("a misspelt name that can be nobody else's", () => {
  test.each([
    ["WHISPR_DATADIR", "did you mean WHISPR_DATA_DIR?"],
    ["WHISPR_STOP_TIMOUT", "did you mean WHISPR_STOP_TIMEOUT?"],
    ["LIMIT_USER_MESSAGE_PER_MIN", "did you mean LIMIT_USER_MESSAGES_PER_MIN?"],
    ["LIMIT_SOCKETS_PER_USR", "did you mean LIMIT_SOCKETS_PER_USER?"],
  ])("%s is refused with the nearest name", (name, near) => {
    for (const purpose of ["serve", "dev", "tool"] as const) {
      const found = problems(read({ [name]: "7" }, purpose)).filter((text) => text.startsWith(name));
      expect(found).toEqual([`${name} is not a setting; ${near}`]);
    }
  });

  test("without a name near to it is refused with the command that shows all names", () => {
    expect(problems(read({ WHISPR_ENTIRELY_DIFFERENT_THING: "x" }))).toEqual([
      "WHISPR_ENTIRELY_DIFFERENT_THING is not a setting: whispr-msg config shows all settings.",
    ]);
  });

  test("is shown by the commands that look at settings, instead of ending them", () => {
    const result = read({ WHISPR_DATADIR: "/x" }, "look");
    expect(result.ok && result.misspelt).toEqual([
      "WHISPR_DATADIR is not a setting; did you mean WHISPR_DATA_DIR?",
    ]);
  });

  test("counts as not set when it is empty", () => {
    expect(problems(read({ WHISPR_DATADIR: "" }))).toEqual([]);
  });
});

test("a misspelt name that other programs may have is warned of", () => {
  expect(warnings(read({ JWT_ISSUR: "x", WHISPER_DATA_DIR: "/x", WHISPER_MODEL: "tiny" }))).toEqual([
    "JWT_ISSUR is not a setting; did you mean JWT_ISSUER?",
    "WHISPER_DATA_DIR is not a setting; did you mean WHISPR_DATA_DIR?",
  ]);
});

test("what Kubernetes injects for a Service whose name begins like ours is nobody's mistake", () => {
  for (const service of ["WHISPR", "WHISPR_MSG", "LIMIT_PROXY", "DB"]) {
    const injected = {
      [`${service}_SERVICE_HOST`]: "10.0.0.1",
      [`${service}_SERVICE_PORT`]: "4000",
      [`${service}_SERVICE_PORT_HTTP`]: "4000",
      [`${service}_PORT_4000_TCP`]: "tcp://10.0.0.1:4000",
      [`${service}_PORT_4000_TCP_PROTO`]: "tcp",
      [`${service}_PORT_4000_TCP_PORT`]: "4000",
      [`${service}_PORT_4000_TCP_ADDR`]: "10.0.0.1",
      ...(service === "DB" ? {} : { [`${service}_PORT`]: "tcp://10.0.0.1:4000" }),
    };
    expect(warnings(read(injected))).toEqual([]);
  }
});

describe("variables of the former messaging service", () => {
  const former = {
    PHX_HOST: "chat.example",
    SECRET_KEY_BASE: "s3cret",
    INTERNAL_API_TOKEN: "t0ken",
    MOD_BAN_DAYS: "14",
    DB_IPV6: "true",
    MAX_MESSAGE_CACHE: "",
  };

  test("are each named, with what there is instead, and never refused or warned of as misspelt", () => {
    const result = read(former);
    if (!result.ok) throw new Error(result.problems.join());
    expect(result.former.map(({ name }) => name)).toEqual([
      "PHX_HOST",
      "SECRET_KEY_BASE",
      "DB_IPV6",
      "INTERNAL_API_TOKEN",
      "MOD_BAN_DAYS",
    ]);
    for (const { why } of result.former) expect(why).not.toBe("");
    expect(result.warnings).toEqual([]);
  });

  test("that mean something here are not among them", () => {
    const meaningful = {
      MAX_MESSAGE_SIZE: "1000",
      CORS_ALLOWED_ORIGINS: "*",
      JWT_ISSUER: "x",
      LOG_LEVEL: "info",
    };
    const result = read(meaningful);
    expect(result.ok && result.former).toEqual([]);
  });
});
