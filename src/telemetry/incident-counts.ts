import type { Registry } from "prom-client";
import { type IncidentName, incidentOf, incidents } from "../core/incidents.ts";
import { registerCounts } from "./labelled-counts.ts";

/** Registers a counter of the incidents of each level. `reported`: how often each was, whether its line was written or left out. */
export function registerIncidents(registry: Registry, reported: ReadonlyMap<string, number>): void {
  registerLevel(registry, reported, "warn", "whispr_warnings_total");
  registerLevel(registry, reported, "error", "whispr_errors_total");
  registerLevel(registry, reported, "security", "whispr_security_events_total");
}

/** Each name from the start, so that a rate sees the first one. */
function registerLevel(
  registry: Registry,
  reported: ReadonlyMap<string, number>,
  kind: "security" | "warn" | "error",
  name: string,
): void {
  const names = (Object.keys(incidents) as IncidentName[]).filter((each) => {
    const { log, level } = incidentOf(each);
    return (log ?? level) === kind;
  });
  const what = kind === "security" ? "Lines of the security log" : `Incidents at level ${kind}`;
  const help = `${what} by event, whether the line was written or left out`;
  registerCounts(
    registry,
    { name, help, label: "event" },
    () => new Map(names.map((each) => [each, reported.get(each) ?? 0])),
  );
}
