import type { LastSeen as EngineLastSeen } from "../engine/last-seen.ts";
import type { Marks as EngineMarks } from "../engine/receipts/marks.ts";
import type { Cursors } from "../engine/sync/cursors.ts";
import type { Joins as EngineJoins } from "../engine/sync/joins.ts";

/** What joins of topics need to know. */
export type Joins = Pick<EngineJoins, "conversation" | "user" | "userFacts" | "changes">;
/** Where it is told that something arrived. */
export interface Receipts {
  readonly marks: Pick<EngineMarks, "note">;
  readonly cursors: Pick<Cursors, "confirmed" | "ended">;
}
/** Where it is told that somebody went offline. */
export type LastSeen = Pick<EngineLastSeen, "seen">;
