import type { Registry } from "../engine/conversation/registry.ts";
import type { LastSeen as EngineLastSeen } from "../engine/last-seen.ts";
import type { Queries as EngineQueries } from "../engine/queries.ts";
import type { Marks as EngineMarks } from "../engine/receipts/marks.ts";
import type { Cursors } from "../engine/sync/cursors.ts";
import type { Joins as EngineJoins } from "../engine/sync/joins.ts";

/** Where commands go. Answers exactly once, with what is durable. */
export type Commands = Pick<Registry, "submit">;
/** Where receipts go. */
export type Marks = Pick<EngineMarks, "note" | "noteIfMember" | "noteMessage">;
/** What joins of topics need to know. */
export type Joins = Pick<EngineJoins, "conversation" | "user" | "userFacts" | "changes">;
/** Where it is told that something arrived. */
export interface Receipts {
  readonly marks: Pick<EngineMarks, "note">;
  readonly cursors: Pick<Cursors, "confirmed" | "ended">;
}
/** Where it is told that somebody went offline. */
export type LastSeen = Pick<EngineLastSeen, "seen">;
/** Reads for viewers, the creation of conversations and private state. */
export type Queries = Pick<
  EngineQueries,
  | "list"
  | "show"
  | "members"
  | "history"
  | "message"
  | "deliveryStatus"
  | "changes"
  | "createDirect"
  | "createGroup"
  | "markUnread"
  | "allowReadding"
>;
