import { expect, test } from "bun:test";
import { isRejection, type RefusalCode, refusals, reject } from "./rejection.ts";

/** The codes and statuses that clients know: docs/errors.md. */
const http: Record<RefusalCode, number> = {
  invalid_payload: 422,
  invalid_status: 422,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  not_authorized: 403,
  unknown_event: 422,
  conflict: 409,
  cursor_expired: 410,
  payload_too_large: 413,
  method_not_allowed: 405,
  rate_limited: 429,
  overloaded: 503,
  unavailable: 503,
  timeout: 504,
  outcome_unknown: 504,
  internal: 500,
};

test("each refusal has the HTTP status that clients were promised", () => {
  for (const [code, refusal] of Object.entries(refusals))
    expect(refusal.http as number).toBe(http[code as keyof typeof http] as typeof refusal.http);
});

test("what may be tried again is exactly what time can mend", () => {
  for (const { http: status, retriable } of Object.values(refusals))
    expect(retriable).toBe([429, 503, 504].includes(status));
});

test("gRPC statuses are those of google.rpc.Code, and none of them says OK", () => {
  for (const { grpc } of Object.values(refusals)) {
    expect(grpc).toBeGreaterThan(0);
    expect(grpc).toBeLessThanOrEqual(16);
  }
});

test("a refusal is told apart from every other answer", () => {
  expect(isRejection(reject("overloaded", "later", { retryAfterMs: 1_000 }))).toBe(true);
  expect(isRejection({ type: "done" })).toBe(false);
  expect(isRejection({})).toBe(false);
  expect(reject("not_found", "no")).toEqual({ type: "rejection", code: "not_found", message: "no" });
});
