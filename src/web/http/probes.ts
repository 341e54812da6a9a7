import { jsonResponse } from "./json-response.ts";

/** `degraded`: it serves, but not all of it, or not for long. `unavailable`: it cannot serve. */
export type CheckStatus = "ok" | "degraded" | "unavailable";

export interface Check {
  readonly status: CheckStatus;
  /** Says what is missing; absent if the status is ok. */
  readonly reason?: string;
}

/** The needs of serving, by name. */
export type Checks = Readonly<Record<string, Check>>;

const worstFirst = ["unavailable", "degraded", "ok"] as const;
const statuses = { ok: "ready", degraded: "degraded", unavailable: "unavailable" } as const;

/** The worst of all. */
export function statusOf(checks: Checks): CheckStatus {
  const all = Object.values(checks).map(({ status }) => status);
  return worstFirst.find((status) => all.includes(status)) ?? "ok";
}

/** With and without `/messaging`, which gateways may strip, and at the paths of existing deployments. */
const paths = /^(?:\/messaging)?(?:\/(live|ready)|(?:\/api\/v1)?\/health(?:\/(live|ready))?)$/;

/** The answer when the path is a probe's; null when it is not. `/health` without a type asks for readiness. */
export function probe(
  method: string,
  url: URL,
  given: { readonly checks: () => Checks; readonly nowUs: () => number },
): Response | null {
  const match = paths.exec(url.pathname);
  if (!match || (method !== "GET" && method !== "HEAD")) return null;
  const kind = match[1] ?? match[2] ?? url.searchParams.get("type");
  const timestamp = new Date(given.nowUs() / 1_000).toISOString();
  return kind === "live" ? alive(timestamp) : ready(given.checks(), timestamp);
}

function alive(timestamp: string): Response {
  return jsonResponse(200, JSON.stringify({ status: "alive", timestamp }));
}

/** A degraded node still takes traffic: the others are most likely as it is. */
function ready(checks: Checks, timestamp: string): Response {
  const status = statusOf(checks);
  const body = JSON.stringify({ status: statuses[status], timestamp, reason: reasonOf(checks), checks });
  return jsonResponse(status === "unavailable" ? 503 : 200, body);
}

function reasonOf(checks: Checks): string | undefined {
  const reasons = new Set(Object.values(checks).flatMap(({ reason }) => reason ?? []));
  return reasons.size > 0 ? [...reasons].join("; ") : undefined;
}
