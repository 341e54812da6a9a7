// Writes docs/incidents.md: what is logged at warn and error. `bun cli/incidents.ts` after a change of src/core/incidents.ts.
// Not a command of the product.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type IncidentName, incidentOf, incidents } from "../src/core/incidents.ts";

export const incidentsPath = join(import.meta.dir, "../docs/incidents.md");

const head = `# Incidents

Every line that whispr-msg logs at \`warn\` or \`error\` is one of these. \`event\` (and \`msg\`) is its name, \`means\` what
happened, \`action\` what to do, \`suppressed\` how many lines of the name were left out; other fields say more. A name is
written at most once in 10 s, where the table says nothing else, and counted every time, in
\`whispr_warnings_total{event}\` or \`whispr_errors_total{event}\`. Names are stable: write your alerts on them.

| event | level | means | what to do |
|---|---|---|---|
`;

export function incidentsDocument(): string {
  const names = (Object.keys(incidents) as IncidentName[]).sort();
  return `${head}${names.map(rowOf).join("\n")}\n`;
}

function rowOf(name: IncidentName): string {
  const { level, means, action } = incidentOf(name);
  return `| \`${name}\` | ${level} | ${means}${pauseOf(name)} | ${action} |`;
}

function pauseOf(name: IncidentName): string {
  const { lines = 1, pauseMs } = incidentOf(name);
  if (lines > 1) return ` (up to ${lines} lines in 10 s)`;
  return pauseMs === undefined ? "" : ` (one line in ${pauseMs / 60_000} min)`;
}

if (import.meta.main) {
  mkdirSync(dirname(incidentsPath), { recursive: true });
  writeFileSync(incidentsPath, incidentsDocument());
}
