import type { Member } from "../conversations/conversation.ts";
import type { Event } from "../events.ts";
import type { MarkedConversation, MarkMove } from "../messages/marks.ts";

/** The events of one command, decided against revision `rev - 1` of their conversation. */
export interface Change {
  readonly conversationId: string;
  readonly rev: number;
  readonly events: readonly Event[];
  /** The members at this revision, and the revision of their last change. */
  readonly members: ReadonlyMap<string, Member>;
  readonly membersRev: number;
}

/** What one statement stores. */
export interface Batch {
  /** Changes of one conversation are contiguous in `rev` and in order. */
  readonly changes: readonly Change[];
  /** Each member of a conversation once, and none of whom an event of the batch tells. */
  readonly marks: readonly MarkMove[];
  /** The time of the marks. Microseconds. */
  readonly atUs: number;
}

/**
 * What became of a batch.
 *
 * - `stored`: durable, marks included, but for the conversations in `moved`, of which nothing was written: their heads are not where the
 *   batch believed them to be.
 * - `fenced`: nothing was written; `shards` are not held at the epochs given.
 * - `refused`: nothing was written, because of what the batch holds. `duplicate_key`: a `client_random` is taken.
 * - `again`: nothing was written, and the same batch may be sent again as it is.
 * - `unknown`: the connection was lost or too slow; the batch may be stored, now or later.
 */
export type AppendOutcome =
  | {
      readonly type: "stored";
      readonly moved: ReadonlySet<string>;
      /** One for each conversation of which a mark was given. */
      readonly marked: readonly MarkedConversation[];
    }
  | { readonly type: "fenced"; readonly shards: readonly number[] }
  | { readonly type: "refused"; readonly cause: "duplicate_key" | "data"; readonly error: unknown }
  | { readonly type: "again"; readonly error: unknown }
  | { readonly type: "unknown"; readonly error: unknown };

/** Writes the log. One statement, one round trip, all or nothing per conversation. Never throws. */
export interface CommitPort {
  append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome>;
}
