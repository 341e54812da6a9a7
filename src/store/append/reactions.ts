import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Reaction } from "../../core/messages/reaction.ts";
import type { MessagePlace } from "../../core/ports/actor-reads.ts";
import { encode, int8, text, timestamptz, uuid } from "./column.ts";
import { placeKey } from "./place-key.ts";
import type { Table, TableRows } from "./table.ts";

/** One reaction as the batch leaves it. A null reaction: all that the message had, which are erased when it is deleted. */
interface ReactionRow {
  readonly place: MessagePlace;
  readonly reaction: Reaction | null;
  readonly isGiven: boolean;
}

const taken = {
  conversation_id: uuid(({ place }: ReactionRow) => place.conversationId),
  seq: int8(({ place }: ReactionRow) => place.seq),
  user_id: uuid(({ reaction }: ReactionRow) => reaction?.userId ?? null),
  reaction: text(({ reaction }: ReactionRow) => reaction?.reaction ?? null),
};

const given = {
  ...taken,
  id: uuid(({ reaction }: ReactionRow) => reaction!.id),
  reacted_at: timestamptz(({ reaction }: ReactionRow) => reaction!.reactedAtUs),
};

/** Deletes the reactions that were taken back, and inserts those that were given. A row is in one of the two. */
export const reactions: Table<"t" | "g"> = {
  inputs: { t: taken, g: given },
  sql: ({ t, g }) => `
taken as (
  delete from message_reactions r
  using ${t} join heads on heads.conversation_id = t.conversation_id
  where r.conversation_id = t.conversation_id and r.seq = t.seq
    and (t.user_id is null or r.user_id = t.user_id and r.reaction = t.reaction)
),
given as (
  insert into message_reactions (conversation_id, seq, user_id, reaction, id, reacted_at)
  select g.conversation_id, g.seq, g.user_id, g.reaction, g.id, g.reacted_at
  from ${g} join heads on heads.conversation_id = g.conversation_id
  on conflict (conversation_id, seq, user_id, reaction) do update set id = excluded.id, reacted_at = excluded.reacted_at
)`,
  collect: () => new ReactionRows(),
};

class ReactionRows implements TableRows {
  readonly #rows = new Map<string, ReactionRow>();

  add(event: Event): void {
    if (event.type === "message_deleted") this.#erase(event.message);
    if (event.type === "reaction_added" || event.type === "reaction_removed")
      this.#react(event.message, event.reaction, event.type === "reaction_added");
  }

  parameters(): readonly Buffer[] {
    const rows = [...this.#rows.values()];
    return [
      ...encode(
        taken,
        rows.filter(({ isGiven }) => !isGiven),
      ),
      ...encode(
        given,
        rows.filter(({ isGiven }) => isGiven),
      ),
    ];
  }

  /** A reaction that is added and removed within the batch is stored as removed. */
  #react({ conversationId, seq }: Message, reaction: Reaction, isGiven: boolean): void {
    const key = `${placeKey(conversationId, seq)} ${reaction.userId} ${reaction.reaction}`;
    this.#rows.set(key, { place: { conversationId, seq }, reaction, isGiven });
  }

  /** Erases the stored reactions of a message, and those that this batch has given it. */
  #erase({ conversationId, seq }: Message): void {
    const place = placeKey(conversationId, seq);
    for (const key of this.#rows.keys()) if (key.startsWith(`${place} `)) this.#rows.delete(key);
    this.#rows.set(place, { place: { conversationId, seq }, reaction: null, isGiven: false });
  }
}
