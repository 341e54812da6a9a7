import { jsonResponse } from "./json-response.ts";

/** Whether requests may be sent here, and if not, why. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** With and without `/messaging`, which gateways may strip, and at the paths of existing deployments. */
const paths = /^(?:\/messaging)?(?:\/(live|ready)|(?:\/api\/v1)?\/health(?:\/(live|ready))?)$/;

/** The answer when the path is a probe's; null when it is not. `/health` without a type asks for readiness. */
export function probe(method: string, url: URL, readiness: () => Readiness): Response | null {
  const match = paths.exec(url.pathname);
  if (!match || (method !== "GET" && method !== "HEAD")) return null;
  const kind = match[1] ?? match[2] ?? url.searchParams.get("type");
  return kind === "live" ? alive() : ready(readiness());
}

function alive(): Response {
  return jsonResponse(200, `{"status":"alive"}`);
}

function ready(readiness: Readiness): Response {
  if (readiness.ready) return jsonResponse(200, `{"status":"ready"}`);
  return jsonResponse(503, JSON.stringify({ status: "not_ready", reason: readiness.reason }));
}
