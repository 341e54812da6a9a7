import type { ReactionRow } from "./batch.ts";
import { int8Array, textArray, timestamptzArray, uuidArray } from "./binary-array.ts";
import { rowsOf, widthOf } from "./part.ts";

const takenShape = { conversation_id: "uuid", seq: "int8", user_id: "uuid", reaction: "text" } as const;
const givenShape = { ...takenShape, id: "uuid", reacted_at: "timestamptz" } as const;

export const reactionsWidth = widthOf(takenShape) + widthOf(givenShape);

/** Those that go, without a user all of a message; and those that come. The rows are in one of the two. */
export function reactionCtes(first: number): string {
  return `
taken as (
  delete from message_reactions r
  using ${rowsOf(first, "t", takenShape)} join heads on heads.conversation_id = t.conversation_id
  where r.conversation_id = t.conversation_id and r.seq = t.seq
    and (t.user_id is null or r.user_id = t.user_id and r.reaction = t.reaction)
),
given as (
  insert into message_reactions (conversation_id, seq, user_id, reaction, id, reacted_at)
  select g.conversation_id, g.seq, g.user_id, g.reaction, g.id, g.reacted_at
  from ${rowsOf(first + widthOf(takenShape), "g", givenShape)} join heads on heads.conversation_id = g.conversation_id
  on conflict (conversation_id, seq, user_id, reaction) do update set id = excluded.id, reacted_at = excluded.reacted_at
)`;
}

export function reactionColumns(rows: readonly ReactionRow[]): Buffer[] {
  const taken = rows.filter(({ isGiven }) => !isGiven);
  const given = rows.filter(({ isGiven }) => isGiven);
  return [
    ...keyColumns(taken),
    ...keyColumns(given),
    uuidArray(given.map(({ reaction }) => reaction!.id)),
    timestamptzArray(given.map(({ reaction }) => reaction!.reactedAtUs)),
  ];
}

function keyColumns(rows: readonly ReactionRow[]): Buffer[] {
  return [
    uuidArray(rows.map(({ place }) => place.conversationId)),
    int8Array(rows.map(({ place }) => place.seq)),
    uuidArray(rows.map(({ reaction }) => reaction?.userId ?? null)),
    textArray(rows.map(({ reaction }) => reaction?.reaction ?? null)),
  ];
}
