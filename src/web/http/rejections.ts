import { type Rejection, refusals, reject } from "../../core/rejection.ts";
import { jsonResponse } from "./json-response.ts";

/** A refusal over HTTP: the status of the closed table and `{"error", "message", "details"?, "retry_after_ms"?}`. */
export function rejectionResponse(
  rejection: Rejection,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { code, message, details } = rejection;
  const body = JSON.stringify({ error: code, message, details, retry_after_ms: retryAfterOf(rejection) });
  return jsonResponse(refusals[code].http, body, { ...headersOf(rejection), ...headers });
}

/** A refusal over a channel, as JSON text: `{"reason", "message", "details"?, "retry_after_ms"?}`. */
export function rejectionText(rejection: Rejection): string {
  const { code, message, details } = rejection;
  return JSON.stringify({ reason: code, message, details, retry_after_ms: retryAfterOf(rejection) });
}

const defaultRetryMs = 1_000;

/** Clients tell passing refusals from final ones by it: every retriable one has it, and no other. */
function retryAfterOf({ code, retryAfterMs = defaultRetryMs }: Rejection): number | undefined {
  return refusals[code].retriable ? retryAfterMs : undefined;
}

/** The refusal of a request that met a bug. It says only the number under which the log has the details. */
export function internal(requestId: string): Rejection {
  return reject("internal", "The server made a mistake. The details are in its log under this request id.", {
    details: { request_id: requestId },
  });
}

/** `retry-after` counts whole seconds (RFC 9110 10.2.3), so it is rounded up. */
function headersOf(rejection: Rejection): Record<string, string> {
  const headers: Record<string, string> = {};
  const retryAfterMs = retryAfterOf(rejection);
  if (rejection.code === "unauthorized") headers["www-authenticate"] = "Bearer";
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(retryAfterMs / 1000));
  return headers;
}
