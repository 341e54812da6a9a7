// Writes docs/incidents.md: what is logged. `bun cli/incidents.ts` after a change of src/core/incidents.ts or src/core/notes.ts.
// Not a command of the product.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type IncidentName, incidentOf, incidents } from "../src/core/incidents.ts";
import { notes } from "../src/core/notes.ts";

export const incidentsPath = join(import.meta.dir, "../docs/incidents.md");

const head = `# Incidents, and the security log

Every line that whispr-msg logs at \`warn\` or \`error\` is one of these. \`event\` (and \`msg\`) is its name, \`means\` says what
happened, \`action\` what to do, and \`suppressed\` how many lines of this name were left out; other fields say more. A name is
written at most once in 10 s, unless the table says otherwise, and counted every time, in \`whispr_warnings_total{event}\` or
\`whispr_errors_total{event}\`. Names are stable: base your alerts on them.

| event | level | means | what to do |
|---|---|---|---|
`;

const securityHead = `
## The security log

Lines with \`"log":"security"\` record attempts that were refused, and changes of what users may do. They are written at every
\`LOG_LEVEL\`, unless \`WHISPR_SECURITY_LOG\` is off, and counted every time in \`whispr_security_events_total{event}\`.
\`grep '"log":"security"'\` finds all of them. They hold ids of users, conversations and messages, addresses (an IPv6 address as
its /64 network) and our own sentences: never a token, content, names or metadata.

Events that anyone can cause are throttled for each address, user or conversation, and for all of them together at twenty times
that rate. A line says how many lines before it were left out: \`suppressed\` of the same address, user or conversation,
\`suppressed_others\` of others that did not come again.

\`admin_command\` reaches the servers through the database: every server on it writes the line, and the log of PostgreSQL has it
too, even when no server runs. It covers \`admin inspect\`, \`admin block\`, \`admin unblock\`, \`admin new-generation\`, \`admin backup\`,
\`migrate up\` and \`migrate down\`. A user who may connect to the database can also act without these commands.

| event | means | lines | what to do |
|---|---|---|---|
`;

const notesHead = `
## Everything else

Lines at \`info\` say what the process does. They have a name too, in \`event\` and \`msg\`.

| event | means |
|---|---|
`;

export function incidentsDocument(): string {
  const names = (Object.keys(incidents) as IncidentName[]).sort();
  const isSecurity = (name: IncidentName) => incidentOf(name).log === "security";
  const general = names.filter((name) => !isSecurity(name)).map(rowOf);
  const security = names.filter(isSecurity).map(securityRowOf);
  const others = Object.entries(notes).map(([name, means]) => `| \`${name}\` | ${means} |`);
  return `${head}${general.join("\n")}\n${securityHead}${security.join("\n")}\n${notesHead}${others.join("\n")}\n`;
}

function securityRowOf(name: IncidentName): string {
  const { means, action, lines = 1, pauseMs = 10_000, by } = incidentOf(name);
  const time = pauseMs === 60_000 ? "a minute" : `in ${pauseMs / 1_000} s`;
  const of = by === undefined ? "" : ` for each \`${by}\``;
  return `| \`${name}\` | ${means} | ${lines} ${time}${of} | ${action} |`;
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
