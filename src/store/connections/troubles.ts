import type { Failure, Warning } from "../../core/incidents.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import { causeOf } from "./failure-causes.ts";

type StoreFailure = Extract<
  Failure,
  | "descriptors_exhausted"
  | "disk_full"
  | "store_connections_exhausted"
  | "store_damaged"
  | "store_exhausted"
  | "store_out_of_memory"
  | "store_read_only"
  | "store_refuses"
  | "store_unreachable"
>;

/** What a failed statement or connection says of PostgreSQL. */
export interface Trouble {
  readonly incident: StoreFailure | Extract<Warning, "store_busy" | "store_conflict" | "store_slow">;
  /** In a sentence, with the way out where one is known. */
  readonly reason: string;
  /** While it lasts, nothing can be stored, though much can be read. */
  readonly stopsWrites: boolean;
}

/** SQLSTATEs, the longest first: a whole code, else its class. */
const bySqlState: Readonly<Record<string, Trouble["incident"]>> = {
  "25006": "store_read_only",
  "53100": "disk_full",
  "53200": "store_out_of_memory",
  "53300": "store_connections_exhausted",
  "55P03": "store_slow",
  "57014": "store_slow",
  "08": "store_unreachable",
  "28": "store_refuses",
  "3D": "store_refuses",
  "40": "store_conflict",
  "42": "store_refuses",
  "53": "store_exhausted",
  "57": "store_unreachable",
  "58": "store_damaged",
  F0: "store_damaged",
  XX: "store_damaged",
};

const stoppers: ReadonlySet<Trouble["incident"]> = new Set([
  "disk_full",
  "store_damaged",
  "store_exhausted",
  "store_out_of_memory",
  "store_read_only",
]);

/** Names the trouble that an error of the store is a sign of. */
export function troubleOf(failure: unknown): Trouble {
  const error = failure instanceof StoreUnavailable && failure.cause ? failure.cause : failure;
  const incident = incidentOf(error);
  const message = error instanceof Error ? error.message : String(error);
  // The causes of a connection that fails are written for a start: they ask whether the settings are right.
  const cause = incident === "store_unreachable" ? null : causeOf(error);
  return { incident, reason: cause ? `${cause} (${message})` : message, stopsWrites: stoppers.has(incident) };
}

function incidentOf(error: unknown): Trouble["incident"] {
  if (!(error instanceof Error)) return "store_unreachable";
  const code = "code" in error ? String(error.code) : "";
  if (code === "EMFILE" || code === "ENFILE") return "descriptors_exhausted";
  if (error.message === "Query read timeout") return "store_slow";
  if (error.message.startsWith("timeout exceeded when trying to connect")) return "store_busy";
  // A full disk under the WAL ends the server: its last words are in another code.
  if (/No space left on device/.test(error.message)) return "disk_full";
  if (!("severity" in error)) return "store_unreachable";
  return bySqlState[code] ?? bySqlState[code.slice(0, 2)] ?? "store_refuses";
}
