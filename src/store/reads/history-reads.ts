import type { Role } from "../../core/conversations/conversation.ts";
import { formatInstant } from "../../core/instant.ts";
import type { HistoryPage } from "../../core/ports/viewer-reads.ts";
import type { HistoryCursor, ReadHistory } from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { apartIdsFrom } from "./contact-rows.ts";
import {
  everything,
  type MessageRow,
  maxPageBytes,
  messageColumns,
  storedBytesOf,
  toSeen,
} from "./message-rows.ts";
import { packedMarks, toMarks } from "./rows.ts";

/**
 * The seq below which everything was sent before $N (`>=`), or at or before it (`>`): `sent_at` grows with `seq`, so the primary key is
 * bisected. 1.2 ms at a depth of 100,000, where a scan takes 17.5. Each step is a lookup of its own: a join is planned as a scan of the
 * whole conversation while the tables are empty.
 */
const bisect = (parameter: string, beyond: ">=" | ">") => `(
  with recursive range(low, high) as (
    select 1::int8, (select seq + 1 from conversation_heads where conversation_id = $1)
    union all
    select case when m.sent_at ${beyond} ${parameter}::timestamptz then low else middle + 1 end,
      case when m.sent_at ${beyond} ${parameter}::timestamptz then middle else high end
    from range cross join lateral (select (low + high) / 2 as middle) half
    cross join lateral (select sent_at from messages where conversation_id = $1 and seq = half.middle limit 1) m
    where low < high)
  select max(low) from range)`;

/** A message from before the viewer's membership is as unknown as one that does not exist. */
const seqOfId = (parameter: string) => `(
  select seq from messages where conversation_id = $1 and id = ${parameter}::uuid and seq > viewer.joined_seq)`;

/** As a condition on `seq`; an unknown id makes it null, so nothing is found. */
const olderThan: Record<HistoryCursor["by"], (parameter: string) => string> = {
  seq: (parameter) => `seq < ${parameter}::int8`,
  id: (parameter) => `seq < ${seqOfId(parameter)}`,
  time: (parameter) => `seq < ${bisect(parameter, ">=")}`,
};
const newerThan: Record<HistoryCursor["by"], (parameter: string) => string> = {
  seq: (parameter) => `seq > ${parameter}::int8`,
  id: (parameter) => `seq > ${seqOfId(parameter)}`,
  time: (parameter) => `seq >= ${bisect(parameter, ">")}`,
};

interface HistoryRow extends MessageRow {
  readonly role: Role;
  /** Numbers of messages have no gap, so nothing is counted. */
  readonly total: number;
  /** In the row of the page's first message alone. */
  readonly marks: string | null;
  /** There is one after it, which may be beyond the bytes of the page. */
  readonly has_next: boolean;
}

export async function readHistory(reads: ReadPool, query: ReadHistory): Promise<HistoryPage> {
  const { name, text, cursors } = historyStatement(query);
  const values = [query.conversationId, query.viewerId, query.limit + 1, ...cursors.map(cursorValue)];
  const { rows } = await reads.query<HistoryRow>({ name, text, values });
  if (rows.length === 0) return { membership: null, messages: [], hasMore: false, total: 0 };
  const members = toMarks(rows.find((row) => row.marks !== null)?.marks ?? null);
  const found = rows.filter((row) => row.id !== null);
  const page = found.slice(0, query.limit).map((row) => toSeen(row, query.viewerId, members));
  if (isForward(query)) page.reverse();
  const hasMore = found[page.length - 1]?.has_next ?? false;
  const { role, total } = rows[0]!;
  return { membership: { role }, messages: page, hasMore, total };
}

/** With `after` alone the page starts at the cursor and goes forward; else it ends there and goes back. */
function isForward(query: ReadHistory): boolean {
  return query.after !== null && query.before === null;
}

function historyStatement(query: ReadHistory) {
  const cursors: HistoryCursor[] = [];
  const conditions: string[] = [];
  const add = (cursor: HistoryCursor | null, kinds: typeof olderThan) => {
    if (!cursor) return;
    cursors.push(cursor);
    conditions.push(`and ${kinds[cursor.by](`$${3 + cursors.length}`)}`);
  };
  add(query.before, olderThan);
  add(query.after, newerThan);
  const order = isForward(query) ? "asc" : "desc";
  const text = `
select viewer.role, head.seq - viewer.joined_seq as total, marks.marks, m.has_next, ${messageColumns({ ...everything, joinedSeq: "viewer.joined_seq" })}
from conversation_members viewer
cross join lateral (select seq from conversation_heads where conversation_id = $1 limit 1) head
cross join ${apartIdsFrom("$2")} apart
left join lateral (
  select * from (
    select page.*, row_number() over before as turn, lead(seq) over before is not null as has_next,
      sum(${storedBytesOf("page")}) over before as bytes_before
    from (
      select * from messages where conversation_id = $1 and seq > viewer.joined_seq ${conditions.join(" ")}
      order by seq ${order} limit $3) page
    window before as (order by seq ${order} rows between unbounded preceding and 1 preceding)) sized
  where coalesce(bytes_before, 0) < ${maxPageBytes}) m on true
cross join lateral (
  select ${packedMarks} as marks from conversation_members
  where conversation_id = $1 and left_seq is null and m.turn = 1 and user_id <> all(apart.ids)) marks
where viewer.conversation_id = $1 and viewer.user_id = $2 and viewer.left_seq is null
order by m.seq ${order}`;
  return { name: `history-${query.before?.by ?? "end"}-${query.after?.by ?? "start"}`, text, cursors };
}

function cursorValue(cursor: HistoryCursor): string | number {
  switch (cursor.by) {
    case "seq":
      return cursor.seq;
    case "id":
      return cursor.id;
    case "time":
      return formatInstant(cursor.timeUs);
  }
}
