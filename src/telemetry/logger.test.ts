import { describe, expect, test } from "bun:test";
import { incidents } from "../core/incidents.ts";
import { createLogger, type LogSettings } from "./logger.ts";

const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";

function logging(settings: Partial<LogSettings> = {}) {
  const lines: string[] = [];
  const time = { nowMs: 0 };
  const logger = createLogger(
    { level: "info", format: "json", ...settings },
    { write: (line) => lines.push(line) },
    () => time.nowMs,
  );
  return { logger, lines, time, last: () => JSON.parse(lines.at(-1) ?? "null") };
}

test("a line is one JSON object with level, time, event and fields", () => {
  const { logger, last } = logging();
  logger.info("migrated", { version: 7 });
  expect(last()).toMatchObject({ level: "info", event: "migrated", msg: "migrated", version: 7 });
  expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test("an incident is a line at its level with its name, what it means and what to do", () => {
  const { logger, last } = logging();
  logger.error("disk_full", { reason: "why" });
  const { means, action } = incidents.disk_full;
  expect(last()).toMatchObject({ level: "error", event: "disk_full", msg: "disk_full", reason: "why" });
  expect(last()).toMatchObject({ means, action });
});

test("an incident that repeats is one line in 10 s, with how many were left out, and is counted every time", () => {
  const { logger, lines, time, last } = logging();
  for (let nth = 0; nth < 3; nth++) logger.warn("block_not_applied", { reason: `reason ${nth}` });
  logger.warn("last_seen_flush_failed");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "warn", event: "block_not_applied", reason: "reason 0" },
    { level: "warn", event: "last_seen_flush_failed" },
  ]);
  time.nowMs = 10_000;
  logger.warn("block_not_applied", { reason: "again" });
  expect(last()).toMatchObject({ event: "block_not_applied", reason: "again", suppressed: 2 });
  expect(logger.reported.get("block_not_applied")).toBe(4);
});

test("what an operator may leave as it is comes once an hour", () => {
  const { logger, lines, time } = logging();
  for (; time.nowMs < 3_600_000; time.nowMs += 60_000) logger.warn("proxy_not_trusted");
  expect(lines).toHaveLength(1);
  logger.warn("proxy_not_trusted");
  expect(JSON.parse(lines[1]!)).toMatchObject({ suppressed: 59 });
});

test("lines below the level are not written", () => {
  const { logger, lines } = logging({ level: "warn" });
  logger.info("listening");
  expect(lines).toEqual([]);
});

describe("never in a line", () => {
  test("a token, in whatever field or text it comes", () => {
    const { logger, lines } = logging();
    logger.info("listening", {
      text: `GET /socket?token=${token}`,
      url: `ws://host?token=${token}`,
      token,
      nested: { authorization: token },
    });
    logger.error("internal_error", { error: new Error(`bad ${token}`) });
    logger.info("listening", {
      header: `phoenix, base64url.bearer.phx.${Buffer.from(token).toString("base64url")}`,
    });
    const written = lines.join("");
    for (const part of [...token.split("."), Buffer.from(token).toString("base64url")]) {
      expect(written).not.toContain(part);
    }
  });

  test("content and metadata, at the top and one level down", () => {
    const { logger, lines } = logging();
    logger.info("listening", {
      content: "hello ada",
      message: { content: "hello ada", metadata: { a: "hello ada" } },
    });
    expect(lines.join("")).not.toContain("hello ada");
  });

  test("the row that PostgreSQL quotes in an error's detail", () => {
    const { logger, lines, last } = logging();
    const error = Object.assign(new Error("duplicate key"), {
      code: "23505",
      detail: "Failing row contains (hello ada)",
    });
    logger.error("internal_error", { error });
    expect(last().error).toMatchObject({ message: "duplicate key", code: "23505" });
    expect(lines.join("")).not.toContain("hello ada");
  });

  test("a database password", () => {
    const { logger, lines } = logging();
    logger.info("listening", { text: "connecting to postgres://ada:hunter2@db/whispr" });
    expect(lines.join("")).toContain("postgres://ada:***@db/whispr");
  });
});

test("for people: time, level, text and fields on one line, a stack below it", () => {
  const { logger, lines } = logging({ format: "pretty" });
  logger.info("listening", { url: "http://127.0.0.1:4000", sentence: "two words" });
  logger.error("stop_failed", { error: new Error("why") });
  const plain = lines.map((line) => Bun.stripANSI(line));
  expect(plain[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} info {2}listening url=http:\/\/127\.0\.0\.1:4000 sentence="two words"\n$/,
  );
  expect(plain[1]).toMatch(/ error stop_failed: the stop failed action=.*\n {4}Error: why\n {4,}at /);
});

describe("the security log", () => {
  const failed = (address: string) => ({ address, door: "rest", reason: "the token has expired" });

  test("a line says that it is of it, and is written whatever the level is", () => {
    const { logger, last } = logging({ level: "fatal" });
    logger.security("member_removed", { conversation_id: "c", actor_id: "a", user_id: "b" });
    expect(last()).toMatchObject({
      ...{ level: "info", log: "security", event: "member_removed", msg: "member_removed" },
      ...{ conversation_id: "c", actor_id: "a", user_id: "b" },
    });
    expect(last().means).toBe(incidents.member_removed.means);
  });

  test("it can be turned off, and is counted all the same", () => {
    const { logger, lines } = logging({ security: false });
    logger.security("member_removed", { conversation_id: "c" });
    expect(lines).toEqual([]);
    expect(logger.reported.get("member_removed")).toBe(1);
  });

  test("an address that fails without end does not hide the others, and nothing is left out without being counted", () => {
    const { logger, lines, time } = logging();
    for (let nth = 0; nth < 10_000; nth++) logger.security("authentication_failed", failed("192.0.2.1"));
    logger.security("authentication_failed", failed("192.0.2.2"));
    expect(lines).toHaveLength(6);
    time.nowMs = 60_000;
    logger.security("authentication_failed", failed("192.0.2.1"));
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ address: "192.0.2.1", suppressed: 9_995 });
    expect(logger.reported.get("authentication_failed")).toBe(10_002);
  });

  test("an escape in a field stays one in lines for people", () => {
    const { logger, lines } = logging({ format: "pretty" });
    logger.security("admin_command", { target: "/x\u001b[2J" });
    expect(lines[0]).toContain('"/x\\u001b[2J"');
  });

  const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
  test.each(["json", "pretty"] as const)(
    "no control character of a field or an error reaches the terminal, as %s",
    (format) => {
      const { logger, lines } = logging({ format });
      // U+009B is to a terminal what ESC [ is.
      logger.warn("origin_refused", { origin: "http://x\u009b2J\u007f" });
      logger.error("internal_error", { error: new Error("x\u001b[2J\u009b2J") });
      const written = lines.map((line) => line.replaceAll(colour, "")).join("");
      expect(written).not.toMatch(/[^\P{Cc}\n]/u);
      expect(written).toContain("http://x\\u009b2J\\u007f");
      expect(written).toContain("x\\u001b[2J\\u009b2J");
    },
  );
});
