import { describe, expect, test } from "bun:test";
import { createLogger, type LogSettings } from "./logger.ts";

const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";

function logging(settings: Partial<LogSettings> = {}) {
  const lines: string[] = [];
  const logger = createLogger(
    { level: "info", format: "json", ...settings },
    { write: (line) => lines.push(line) },
  );
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "null") };
}

test("a line is one JSON object with level, time, text and fields", () => {
  const { logger, last } = logging();
  logger.child({ node: "n-1" }).warn("a head moved", { rev: 7 });
  expect(last()).toMatchObject({ level: "warn", msg: "a head moved", node: "n-1", rev: 7 });
  expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test("lines below the level are not written", () => {
  const { logger, lines } = logging({ level: "warn" });
  logger.info("nothing");
  logger.debug("nothing");
  expect(lines).toEqual([]);
});

describe("never in a line", () => {
  test("a token, in whatever field or text it comes", () => {
    const { logger, lines } = logging();
    logger.info(`GET /socket?token=${token}`, {
      url: `ws://host?token=${token}`,
      token,
      nested: { authorization: token },
    });
    logger.error("failed", { error: new Error(`bad ${token}`) });
    logger.info("protocol", {
      header: `phoenix, base64url.bearer.phx.${Buffer.from(token).toString("base64url")}`,
    });
    const written = lines.join("");
    for (const part of [...token.split("."), Buffer.from(token).toString("base64url")]) {
      expect(written).not.toContain(part);
    }
  });

  test("content and metadata, at the top and one level down", () => {
    const { logger, lines } = logging();
    logger.info("sent", {
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
    logger.error("not stored", { error });
    expect(last().error).toMatchObject({ message: "duplicate key", code: "23505" });
    expect(lines.join("")).not.toContain("hello ada");
  });

  test("a database password", () => {
    const { logger, lines } = logging();
    logger.info("connecting to postgres://ada:hunter2@db/whispr");
    expect(lines.join("")).toContain("postgres://ada:***@db/whispr");
  });
});

test("for people: time, level, text and fields on one line, a stack below it", () => {
  const { logger, lines } = logging({ format: "pretty" });
  logger.info("listening", { url: "http://127.0.0.1:4000", sentence: "two words" });
  logger.error("failed", { error: new Error("why") });
  const plain = lines.map((line) => Bun.stripANSI(line));
  expect(plain[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} info {2}listening url=http:\/\/127\.0\.0\.1:4000 sentence="two words"\n$/,
  );
  expect(plain[1]).toMatch(/ error failed\n {4}Error: why\n {4,}at /);
});
