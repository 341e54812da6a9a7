import type { LastSeen as EngineLastSeen } from "../engine/last-seen.ts";
import type { Marks as EngineMarks } from "../engine/receipts/marks.ts";
import type { Cursors } from "../engine/sync/cursors.ts";
import type { Joins as EngineJoins } from "../engine/sync/joins.ts";

/** Reads for joins of topics. */
export type Joins = Pick<EngineJoins, "conversation" | "user" | "userFacts" | "changes">;
/** Takes reports of what arrived at devices. */
export interface Receipts {
  readonly marks: Pick<EngineMarks, "note">;
  readonly cursors: Pick<Cursors, "confirmed" | "ended">;
}
/** Takes reports of users who went offline. */
export type LastSeen = Pick<EngineLastSeen, "seen">;
