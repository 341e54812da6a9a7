import { pino } from "pino";
import { prettyLine } from "./pretty-line.ts";

export type LogFields = Readonly<Record<string, unknown>>;

/** Lines for operators. Never a token, never content: neither in the text nor in the fields. */
export interface Logger {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields. */
  child(fields: LogFields): Logger;
}

export interface LogSettings {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  readonly format: "json" | "pretty";
}

export interface LineSink {
  write(line: string): void;
}

/** The last guard: fields with these names are blanked, at the top and one level down. */
const secretFields = [
  "token",
  "authorization",
  "authToken",
  "content",
  "metadata",
  "payload",
  "password",
  "secret",
  "cookie",
  "signature",
];

/**
 * Writes synchronously (faster here than asynchronously, and nothing is lost at a crash), one JSON object per line or, for
 * people, one short line.
 */
export function createLogger(settings: LogSettings, sink: LineSink = stdout()): Logger {
  const isPretty = settings.format === "pretty";
  const log = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: "(hidden)" },
      serializers: { error: errorFields, err: errorFields },
    },
    { write: (line: string) => sink.write(scrub(isPretty ? prettyLine(line) : line)) },
  );
  return wrap(log);
}

function stdout(): LineSink {
  const destination = pino.destination({ fd: 1, sync: true });
  // A reader that went away (`| head`) must not end the server.
  destination.on("error", () => {});
  return { write: (line) => void destination.write(line) };
}

function wrap(log: pino.Logger): Logger {
  return {
    debug: (text, fields = {}) => log.debug(fields, text),
    info: (text, fields = {}) => log.info(fields, text),
    warn: (text, fields = {}) => log.warn(fields, text),
    error: (text, fields = {}) => log.error(fields, text),
    child: (fields) => wrap(log.child(fields)),
  };
}

/** What PostgreSQL adds to an error (detail, where, parameters) may hold content: only these are written. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}

const jsonWebToken = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
const phoenixToken = /base64url\.bearer\.phx\.[\w-]+/g;
const passwordInAddress = /(:\/\/[^\s:/@"]*:)[^\s@"]+@/g;

/** A token or a database password inside any text, whoever wrote it. */
export function scrub(line: string): string {
  return line
    .replace(jsonWebToken, "(token)")
    .replace(phoenixToken, "(token)")
    .replace(passwordInAddress, "$1***@");
}
