import { pino } from "pino";
import {
  type Failure,
  type IncidentName,
  incidentOf,
  type SecurityEvent,
  type Warning,
} from "../core/incidents.ts";
import type { Note } from "../core/notes.ts";
import { escapeControls } from "./escape-controls.ts";
import { KeyedLineBudget } from "./keyed-line-budget.ts";
import { prettyLine } from "./pretty-line.ts";

export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Lines for operators. They never hold a token or content. Every line has a name of a closed table. Incidents (`warn`, `error`) are written
 * at most once per name in 10 s, some less often, with the number of lines that were left out; all of them are counted.
 */
export interface Logger {
  info(event: Note, fields?: LogFields): void;
  warn(event: Warning, fields?: LogFields): void;
  error(event: Failure, fields?: LogFields): void;
  /** Writes a line of the security log at every level, unless that log is off. Throttled and counted like incidents. */
  security(event: SecurityEvent, fields: LogFields): void;
  /** How often each incident was reported since the start, whether it was written or not. */
  readonly reported: ReadonlyMap<IncidentName, number>;
}

export interface LogSettings {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  readonly format: "json" | "pretty";
  /** Absent: on. */
  readonly security?: boolean;
}

export interface LineSink {
  write(line: string): void;
}

/** The last guard: fields with these names are replaced, at the top and one level down. */
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

/** Between two lines of the same incident, unless the table says otherwise. */
const usualPauseMs = 10_000;

/**
 * Writes synchronously (faster here than asynchronously, and nothing is lost at a crash), one JSON object per line or, for
 * people, one short line.
 */
export function createLogger(
  settings: LogSettings,
  sink: LineSink = stdout(),
  monotonicMs: () => number = () => performance.now(),
): Logger {
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
    { write: (line: string) => sink.write(scrub(isPretty ? prettyLine(line) : escapeControls(line))) },
  );
  const security = log.child({ log: "security" }, { level: settings.security === false ? "silent" : "info" });
  const incidents = new Incidents({ log, security, monotonicMs });
  return {
    // The text is the name, as for incidents: lines are searched for by either.
    info: (event, fields = {}) => log.info({ event, ...fields }, event),
    warn: (event, fields = {}) => incidents.report(event, fields),
    error: (event, fields = {}) => incidents.report(event, fields),
    security: (event, fields) => incidents.report(event, fields),
    reported: incidents.reported,
  };
}

/** Writes the first incident of each name at once, then as few as the table says. */
class Incidents {
  readonly reported = new Map<IncidentName, number>();
  readonly #log: pino.Logger;
  readonly #security: pino.Logger;
  readonly #monotonicMs: () => number;
  readonly #budgets = new Map<IncidentName, KeyedLineBudget>();

  constructor(options: {
    readonly log: pino.Logger;
    readonly security: pino.Logger;
    readonly monotonicMs: () => number;
  }) {
    this.#log = options.log;
    this.#security = options.security;
    this.#monotonicMs = options.monotonicMs;
  }

  report(event: IncidentName, fields: LogFields): void {
    this.reported.set(event, (this.reported.get(event) ?? 0) + 1);
    const { level, log, means, action, by } = incidentOf(event);
    const line = this.#budgetOf(event).take(by === undefined ? "" : String(fields[by]));
    if (!line) return;
    const wayOut = action.startsWith("nothing") ? {} : { action };
    const target = log === "security" ? this.#security : this.#log;
    target[level]({ event, means, ...fields, ...line, ...wayOut }, event);
  }

  #budgetOf(event: IncidentName): KeyedLineBudget {
    let budget = this.#budgets.get(event);
    if (!budget) {
      const { lines = 1, pauseMs = usualPauseMs } = incidentOf(event);
      budget = new KeyedLineBudget({ lines, windowMs: pauseMs, monotonicMs: this.#monotonicMs });
      this.#budgets.set(event, budget);
    }
    return budget;
  }
}

function stdout(): LineSink {
  const destination = pino.destination({ fd: 1, sync: true });
  // A reader that went away (`| head`) must not end the server.
  destination.on("error", () => {});
  return { write: (line) => void destination.write(line) };
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
