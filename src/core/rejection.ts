/**
 * The closed table of refusals: the only way in which an operation says no.
 * Anything else that is thrown is a bug and is answered as `internal`.
 * gRPC numbers are those of google.rpc.Code.
 */
export const refusals = {
  invalid_payload: { http: 422, grpc: 3, retriable: false },
  invalid_status: { http: 422, grpc: 3, retriable: false },
  unauthorized: { http: 401, grpc: 16, retriable: false },
  forbidden: { http: 403, grpc: 7, retriable: false },
  not_found: { http: 404, grpc: 5, retriable: false },
  not_authorized: { http: 403, grpc: 7, retriable: false },
  unknown_event: { http: 422, grpc: 12, retriable: false },
  conflict: { http: 409, grpc: 6, retriable: false },
  cursor_expired: { http: 410, grpc: 11, retriable: false },
  payload_too_large: { http: 413, grpc: 3, retriable: false },
  method_not_allowed: { http: 405, grpc: 12, retriable: false },
  rate_limited: { http: 429, grpc: 8, retriable: true },
  overloaded: { http: 503, grpc: 14, retriable: true },
  unavailable: { http: 503, grpc: 14, retriable: true },
  timeout: { http: 504, grpc: 4, retriable: true },
  outcome_unknown: { http: 504, grpc: 4, retriable: true },
  internal: { http: 500, grpc: 13, retriable: false },
} as const satisfies Record<string, { http: number; grpc: number; retriable: boolean }>;

export type RefusalCode = keyof typeof refusals;

/** A refusal as a value. `message` says what was wrong, what is allowed and what to do; it never holds content. */
export interface Rejection {
  readonly type: "rejection";
  readonly code: RefusalCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number;
}

export function reject(
  code: RefusalCode,
  message: string,
  more: { readonly details?: Readonly<Record<string, string>>; readonly retryAfterMs?: number } = {},
): Rejection {
  return { type: "rejection", code, message, ...more };
}

/** The one way to ask whether something is a refusal. */
export function isRejection(value: unknown): value is Rejection {
  return typeof value === "object" && value !== null && "type" in value && value.type === "rejection";
}
