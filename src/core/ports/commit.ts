import type { Member } from "../conversations/conversation.ts";
import type { Event } from "../events.ts";
import type { MarkedConversation, MarkMove } from "../messages/marks.ts";

/** The events of one command, which was decided against revision `rev - 1` of the conversation. */
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
  /** At most one for each member of a conversation, and none for a member whom an event of the batch changes. */
  readonly marks: readonly MarkMove[];
  /** The time of the marks, in microseconds since the Unix epoch. */
  readonly atUs: number;
}

/**
 * The outcome of a batch.
 *
 * - `stored`: the batch is durable, marks included. The conversations in `moved` are the exception: none of their changes was written, because
 *   their heads are at other revisions than the batch expected.
 * - `fenced`: nothing was written; `shards` are not held at the given epochs.
 * - `refused`: nothing was written, because the store cannot hold this data. `duplicate_key`: a `client_random` is taken.
 * - `again`: nothing was written, and the same batch may be sent again unchanged.
 * - `unknown`: the connection was lost or too slow; the batch may be stored, now or later.
 */
export type AppendOutcome =
  | {
      readonly type: "stored";
      readonly moved: ReadonlySet<string>;
      /** One for each conversation for which the batch has a mark. */
      readonly marked: readonly MarkedConversation[];
    }
  | { readonly type: "fenced"; readonly shards: readonly number[] }
  | { readonly type: "refused"; readonly cause: "duplicate_key" | "data"; readonly error: unknown }
  | { readonly type: "again"; readonly error: unknown }
  | { readonly type: "unknown"; readonly error: unknown };

/** Writes the log. A batch is one statement and one round trip; of each conversation all is stored, or nothing. Never rejects. */
export interface CommitPort {
  append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome>;
}
