import type { Charge } from "../../core/limits/charge.ts";
import type { Operation } from "../../core/limits/operations.ts";
import type { Identity } from "../../core/ports/tokens.ts";
import type { Rejection } from "../../core/rejection.ts";

/** One authenticated request of the REST API. */
export interface Call {
  readonly request: Request;
  readonly identity: Identity;
  /** What stood in the path, percent-decoded and unchecked; null where it could not be decoded. */
  readonly params: Readonly<Record<string, string | null>>;
  readonly query: URLSearchParams;
  /** What the request costs. Settled when the request is decided. */
  readonly charge: Charge;
  /** Reads the body, as `readJson`; once. */
  json(): Promise<{ readonly value: unknown } | Rejection>;
}

/** An operation of the REST API, below `/api/v1`. What `run` throws is a bug and is answered as `internal`. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** What it does; where the body says which of several, they are of one class. */
  readonly operations: readonly [Operation, ...Operation[]];
  /** The query parameters that it knows; others are ignored and counted. Absent: none. */
  readonly query?: readonly string[];
  run(call: Call): Promise<Response | Rejection>;
}
